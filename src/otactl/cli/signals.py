"""How a command handles Ctrl-C, SIGTERM and SIGHUP.

The first signal asks the command's clock to stop; the second one stops the command at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.errors import Interrupted

if TYPE_CHECKING:
    from otactl.operations.clock import CommandClock


def stop_signals() -> list[signal.Signals]:
    """The signals that ask a command to stop; under ``nohup`` without SIGHUP."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals


class Stopped(SystemExit):
    """Raised by SIGTERM and SIGHUP at any point, as KeyboardInterrupt is by Ctrl-C.

    Not an ``Exception``: a library that ignores every ``Exception`` (click does, to find its output
    stream) would swallow the signal, and the process would never end.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(128 + signal_number)
        self.signal_number = signal_number


@contextmanager
def handle_signals(clock: CommandClock, doing: str) -> Iterator[None]:
    """Within the block, the first signal asks the clock to stop, the second one stops at once.

    Args:
        doing: What the user reads at the first signal: ``deleting the change set``; may be empty.
    """
    from otactl.views.foreign_text import clean_lines

    what = f"stopping: {doing}" if doing else "stopping"
    line = f"{clean_lines(f'{what}; once more to stop at once')}\n".encode(errors="replace")

    def handle(signal_number: int, _frame: FrameType | None) -> None:
        if clock.is_asked_to_stop:
            raise Interrupted(signal_number)
        clock.ask_to_stop(signal_number)
        if signal_number == signal.SIGHUP:
            terminal.abandon_output(of_terminals=True)
        # Not through sys.stderr: the signal may have interrupted a write to it, and a nested write
        # raises RuntimeError.
        with suppress(OSError):
            os.write(sys.stderr.fileno(), line)

    before = {number: signal.signal(number, handle) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
