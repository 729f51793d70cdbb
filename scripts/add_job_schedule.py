"""Adds a deployment to the job queue: the manual's script name and arguments for `otactl queue`.

    python3 add_job_schedule.py -m submit -f test.bin -tb job_config_table -b BUCKET -r REGION \
        -d dev.ini -l thingsList.txt
    python3 add_job_schedule.py -m create -f test.bin -tb job_config_table -b BUCKET -r REGION

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
    parser.add_argument("-m", "--method", required=True, choices=("submit", "create"))
    parser.add_argument("-f", "--binFile", required=True)
    parser.add_argument("-tb", "--tableName", "--TableName", "--table", required=True)
    parser.add_argument("-b", "--bucket", required=True)
    parser.add_argument("-r", "--region", "--Region", required=True)
    parser.add_argument("-d", "--devIni")
    parser.add_argument("-l", "--thingList")
    given, others = parser.parse_known_args(arguments)
    if given.method == "submit" and not (given.devIni and given.thingList):
        parser.error("submit needs -d/--devIni and -l/--thingList")
    return given, others


def translate(arguments: list[str]) -> list[str]:
    """The arguments of otactl that do the same."""
    given, others = parse(arguments)
    command = ["queue", "add", given.devIni]
    if given.method == "create":
        command = ["queue", "create", *((given.devIni,) if given.devIni else ())]
    command += ["--image", given.binFile]
    if given.thingList:
        command += ["--thing-list", given.thingList]
    return [
        *command,
        *("--table", given.tableName),
        *("--bucket", given.bucket),
        *("--region", given.region),
        *others,
    ]


if __name__ == "__main__":
    otactl = [sys.executable, "-m", "otactl", *translate(sys.argv[1:])]
    os.execv(sys.executable, otactl)  # noqa: S606  # arguments, no shell
