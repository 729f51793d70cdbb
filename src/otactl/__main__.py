"""``otactl`` and ``python -m otactl``: the command line, where it can run."""

from __future__ import annotations

import sys


def start() -> None:
    """Run the command line; on Windows say where it runs, before anything is imported."""
    if sys.platform == "win32":
        sys.exit("error: otactl runs on Linux and macOS\nhint: on Windows, use WSL: wsl --install")
    from otactl.cli.main import run  # noqa: PLC0415  # not before the look above

    run()


if __name__ == "__main__":
    start()
