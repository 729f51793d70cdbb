"""Watches the job that dev.ini describes: the manual's script name for `otactl monitor`.

    python3 monitor.py

It takes the dev.ini of the current folder, or the one beside this script, as jobs_scheduler.py
does, and waits for a job that is not there yet; further arguments go to `otactl monitor`. It only
translates; it needs otactl in the same Python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def translate(folders: list[Path], arguments: list[str]) -> list[str]:
    """The arguments of otactl that watch the job of the first dev.ini there is."""
    file = next((folder / "dev.ini" for folder in folders if (folder / "dev.ini").is_file()), None)
    return ["monitor", str(file or "dev.ini"), "--wait", *arguments]


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    otactl = [sys.executable, "-m", "otactl", *translate([Path(), here], sys.argv[1:])]
    os.execv(sys.executable, otactl)  # noqa: S606  # arguments, no shell
