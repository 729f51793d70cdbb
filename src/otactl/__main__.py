"""``otactl`` and ``python -m otactl``: the command line, where it can run."""

from __future__ import annotations

import os
import sys


def start() -> None:
    """Run the command line; on Windows say where it runs, before anything is imported."""
    if sys.platform == "win32":
        sys.exit("error: otactl runs on Linux and macOS\nhint: on Windows, use WSL: wsl --install")
    if "_OTACTL_COMPLETE" in os.environ:
        # A shell that completes prints nothing with colours: typer need not import rich for it.
        os.environ["TYPER_USE_RICH"] = "0"
    from otactl.cli.main import run  # noqa: PLC0415  # not before the look above

    run()


if __name__ == "__main__":
    start()
