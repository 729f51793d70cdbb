"""A cloud that hangs is killed, together with the functions that it runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.waiting import wait_until
from tests.unit.cloud.test_record import address

from otactl.cloud.process import stop_local_cloud
from otactl.cloud.record import write_record

if TYPE_CHECKING:
    from pathlib import Path

#: Holds the lock, runs a function's process, and does not end when asked to.
HANGING = """
import pathlib, signal, subprocess, sys, time
from otactl.cloud.record import lock
held = lock(pathlib.Path(sys.argv[1]))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def test_a_hanging_cloud_is_killed_with_its_functions(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGING, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as hanging:
        assert hanging.stdout is not None
        function = int(hanging.stdout.readline())
        write_record(replace(address(tmp_path), pid=hanging.pid))

        assert stop_local_cloud(tmp_path, wait_seconds=0.5)

    wait_until(lambda: not _runs(function), "the function has ended", 5)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
