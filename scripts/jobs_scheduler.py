"""Deploys what dev.ini says: the manual's script name for `otactl deploy`.

    python3 jobs_scheduler.py

It takes the dev.ini of the current folder, or the one beside this script. A dev.ini that
fetch_job_schedule.py left is deployed for the queue (`otactl queue run --fetched`). Further
arguments, such as `--yes`, go to the otactl command. It never asks. It only translates;
it needs otactl in the same Python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: What fetch_job_schedule.py leaves beside the dev.ini.
NOTE = ".otactl-request.json"


def translate(folders: list[Path], arguments: list[str]) -> list[str]:
    """The arguments of otactl that deploy the first dev.ini there is."""
    for folder in folders:
        if (folder / NOTE).is_file():
            return ["queue", "run", "--fetched", str(folder), *arguments]
        if (folder / "dev.ini").is_file():
            return ["deploy", str(folder / "dev.ini"), "--no-ask", *arguments]
    return ["deploy", "dev.ini", "--no-ask", *arguments]


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    otactl = [sys.executable, "-m", "otactl", *translate([Path(), here], sys.argv[1:])]
    os.execv(sys.executable, otactl)  # noqa: S606  # arguments, no shell
