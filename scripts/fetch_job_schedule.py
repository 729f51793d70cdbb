"""Takes the next deployment from the job queue: the manual's script for `otactl queue fetch`.

    python3 fetch_job_schedule.py -r REGION -tb job_config_table

It leaves dev.ini, the thing list and the image in the current folder, for jobs_scheduler.py.
Further arguments, such as `--profile`, go to otactl. It only translates arguments; it needs otactl
in the same Python.
"""

from __future__ import annotations

import argparse
import os
import sys


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the manual's arguments; what is not one of them is left for otactl."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-r", "--region", "--Region", required=True)
    parser.add_argument("-tb", "--tableName", "--TableName", "--table", required=True)
    return parser.parse_known_args(arguments)


def translate(arguments: list[str]) -> list[str]:
    """The arguments of otactl that do the same."""
    given, others = parse(arguments)
    return [
        *("queue", "fetch", "--claim", "--into", "."),
        *("--table", given.tableName),
        *("--region", given.region),
        *others,
    ]


if __name__ == "__main__":
    otactl = [sys.executable, "-m", "otactl", *translate(sys.argv[1:])]
    os.execv(sys.executable, otactl)  # noqa: S606  # arguments, no shell
