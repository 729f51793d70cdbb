"""The clock of a command, and its ear for Ctrl-C, SIGTERM and SIGHUP.

The first signal asks the command to stop: sleeping ends at once, and the command decides what
becomes of what is under way. The second one stops it where it stands. In a rehearsal the clock runs
at the local cloud's speed, so that every duration a user sees is one of the rehearsed deployment.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from otactl.model.local_cloud import LocalCloudAddress


def stop_signals() -> list[signal.Signals]:
    """The signals that ask a command to stop; under ``nohup`` the closing terminal does not."""
    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    return heard


class Stopped(SystemExit):
    """Raised by SIGTERM and SIGHUP where they land, as KeyboardInterrupt is by Ctrl-C.

    No ``Exception``: a library that shrugs off every ``Exception`` (click does, when it looks for
    its output stream) would swallow the signal, and the process would never end.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(128 + signal_number)
        self.signal_number = signal_number


class CommandClock:
    """Time, and the user's wish to stop (``deploy.ports.Clock``).

    Args:
        speed: Seconds of this clock per second of the wall's.
        origin_ms: When the two showed the same, epoch milliseconds.
    """

    def __init__(self, *, speed: float = 1.0, origin_ms: int | None = None) -> None:
        self._speed = speed
        self._origin_ms = _wall_ms() if origin_ms is None else origin_ms
        self._asked = threading.Event()
        self._signal_number = int(signal.SIGINT)
        self._shielded = False

    @classmethod
    def of_local_cloud(cls, address: LocalCloudAddress) -> CommandClock:
        """The clock that shows what the local cloud's shows."""
        return cls(speed=address.clock_speed, origin_ms=address.clock_origin_ms)

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._origin_ms + int((_wall_ms() - self._origin_ms) * self._speed)

    def monotonic_ms(self) -> int:
        """Milliseconds since some instant, whatever becomes of the wall clock."""
        return int(_monotonic_ns() / 1e6 * self._speed)

    def sleep(self, seconds: float) -> None:
        """Wait; raises ``Interrupted`` at once when the user asks to stop, unless shielded."""
        if self._shielded:
            time.sleep(seconds / self._speed)
            return
        self._asked.wait(seconds / self._speed)
        self.check()

    def check(self) -> None:
        """Go on, unless the user asked to stop."""
        if self._asked.is_set() and not self._shielded:
            raise Interrupted(self._signal_number)

    def shield(self) -> None:
        """From now on neither ``sleep`` nor ``check`` raises."""
        self._shielded = True

    def ask_to_stop(self, signal_number: int) -> None:
        """Let the command stop at the next safe point."""
        self._signal_number = signal_number
        self._asked.set()

    @contextmanager
    def hearing_signals(self, doing: str) -> Iterator[None]:
        """Within the block, the first signal asks to stop and the second one insists.

        Args:
            doing: What the user reads on the first: ``deleting the change set``; may be empty.
        """

        def hear(signal_number: int, _frame: FrameType | None) -> None:
            if self._asked.is_set():
                raise Interrupted(signal_number)
            self.ask_to_stop(signal_number)
            if signal_number == signal.SIGHUP:
                terminal.leave_closed_terminal()
            what = f"stopping: {doing}" if doing else "stopping"
            terminal.note(f"{what}; once more to stop at once")

        before = {number: signal.signal(number, hear) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _monotonic_ns() -> int:
    """Nanoseconds that go on while the machine is suspended, where the system can count them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
