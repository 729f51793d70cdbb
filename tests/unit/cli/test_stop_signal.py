"""A signal ends a command wherever it lands: also in a library that shrugs off every exception."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios

import pytest
from tests.support.waiting import wait_until

#: Of a pipe's 65,536.
_NEARLY_FULL_BYTES = 50_000

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


_WRITES = """
import sys
from otactl.cli.signals import handle_signals
from otactl.errors import Interrupted
from otactl.operations.clock import CommandClock
from otactl.views.console import Console

clock = CommandClock()
with handle_signals(clock, "the rollout goes on"):
    Console(stderr=True).print(("x" * 79 + "\\n") * 2500, soft_wrap=True)
    try:
        clock.sleep(60)
    except Interrupted as stopped:
        print(stopped.signal_number)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_write_stops_at_the_next_safe_point(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITES],
        # Without buffers Python drops the rest of a write that a signal interrupted.
        env={name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout
        assert program.stderr
        stderr = program.stderr.fileno()
        try:
            # The pipe is full: the program is in the middle of its write until somebody reads.
            wait_until(lambda: _waiting_bytes(stderr) > _NEARLY_FULL_BYTES, seconds=30)
            program.send_signal(number)
            written, stopped_by = (text.decode() for text in program.communicate(timeout=60)[::-1])
        finally:
            program.kill()

    assert int(stopped_by) == number
    assert "stopping: the rollout goes on; once more to stop at once\n" in written
    assert written.count("x") == 79 * 2500


def _waiting_bytes(descriptor: int) -> int:
    """How many bytes a pipe holds that nobody has read."""
    found = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, found)
    return found[0]
