"""The entry point of ``otactl`` and ``python -m otactl``; refuses to run on Windows."""

from __future__ import annotations

import os
import sys


def start() -> None:
    """Run the command line; on Windows exit with a hint, before anything is imported."""
    if sys.platform == "win32":
        sys.exit("error: otactl runs on Linux and macOS\nhint: on Windows, use WSL: wsl --install")
    if "_OTACTL_COMPLETE" in os.environ:
        # Shell completion prints no colours, so typer need not import rich.
        os.environ["TYPER_USE_RICH"] = "0"
    from otactl.cli.main import run  # noqa: PLC0415  # only after the checks above

    run()


if __name__ == "__main__":
    start()
