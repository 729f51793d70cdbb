"""A signal ends a command wherever it lands: also in a library that shrugs off every exception."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
from otactl.cli.main import app, run

@app.command()
def shrug(number: int) -> None:
    try:
        os.kill(os.getpid(), number)
    except Exception:
        pass
    print("went on")

sys.argv = ["otactl", "shrug", sys.argv[1]]
run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_library_that_shrugs_off_exceptions_does_not_swallow_it(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(int(number))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (128 + number, ""), done.stderr
    assert done.stderr == "interrupted\n"
