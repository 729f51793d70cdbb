"""Takes the next deployment from the job queue: the manual's script for `otactl queue fetch`.

    python3 fetch_job_schedule.py -r REGION -tb job_config_table

It leaves dev.ini, the thing list and the image in the current folder, for jobs_scheduler.py. It
only translates arguments; it needs otactl in the same Python.
"""

from __future__ import annotations

import argparse
import os
import sys


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the manual's arguments."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-r", "--region", "--Region", required=True)
    parser.add_argument("-tb", "--tableName", "--TableName", required=True)
    return parser.parse_args(arguments)


def translate(given: argparse.Namespace) -> list[str]:
    """The arguments of otactl that do the same."""
    return [
        *("queue", "fetch", "--claim", "--into", "."),
        *("--table", given.tableName),
        *("--region", given.region),
    ]


if __name__ == "__main__":
    otactl = [sys.executable, "-m", "otactl", *translate(parse(sys.argv[1:]))]
    os.execv(sys.executable, otactl)  # noqa: S606  # arguments, no shell
