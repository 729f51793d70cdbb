"""A signal ends a command wherever it lands: also in a library that shrugs off every exception."""

from __future__ import annotations

import fcntl
import signal
import struct
import subprocess
import sys
import termios
import time

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


_WRITING = """
import sys
from otactl.cli.signals import hear_signals
from otactl.operations.clock import CommandClock

with hear_signals(CommandClock(), "the job goes on"):
    sys.stderr.write("y" * 1_000_000)
    sys.stderr.flush()
"""
_PIPE_BYTES = 65_536


def test_a_signal_that_comes_while_standard_error_is_written_is_heard() -> None:
    """What is being written takes nothing else meanwhile, and that must not end the command."""
    with subprocess.Popen(
        # Buffered, whatever this shell says of PYTHONUNBUFFERED.
        [sys.executable, "-E", "-c", _WRITING],
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        deadline = time.monotonic() + 60
        while waiting_bytes(child) < _PIPE_BYTES:
            assert time.monotonic() < deadline
        child.send_signal(signal.SIGTERM)
        _, written = child.communicate(timeout=60)

    assert child.returncode == 0, written.replace("y", "")
    assert "stopping: the job goes on; once more to stop at once\n" in written


def waiting_bytes(child: subprocess.Popen[str]) -> int:
    """How much of what the child wrote is not read yet."""
    assert child.stderr is not None
    (count,) = struct.unpack("i", fcntl.ioctl(child.stderr, termios.FIONREAD, b"\0" * 4))
    return int(count)
