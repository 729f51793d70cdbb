"""This machine's clocks, the wall's and one that is never set; and calls kept apart by a clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wall_ms() -> int:
    """Epoch milliseconds, as the machine believes; they may be set forward and back."""
    return time.time_ns() // 1_000_000


def monotonic_ns() -> int:
    """Nanoseconds that go on while the machine is suspended, where the system can count them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class Pacer:
    """Lets one call pass per interval, across all threads.

    Args:
        interval_seconds: Least time between two calls; 0 lets them all pass.
        now: Seconds that only go forward.
        sleep: Waits N seconds; may raise to stop.
    """

    def __init__(
        self,
        interval_seconds: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until it is this call's turn."""
        if not self._interval_seconds:
            return
        with self._lock:
            slot = max(self._now(), self._next)
            self._next = slot + self._interval_seconds
        if (seconds := slot - self._now()) > 0:
            self._sleep(seconds)
