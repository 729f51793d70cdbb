"""A result that cannot be written, because the disk is full, is one message and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "command", ["config template", "config explain --output json", "--version"]
)
def test_a_full_disk_is_a_message(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "otactl", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (run.returncode, run.stderr) == (
        2,
        "error: cannot write the output: No space left on device\n",
    )
