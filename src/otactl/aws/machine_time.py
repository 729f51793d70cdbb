"""The machine's wall clock and monotonic clock, and a pacer of calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wall_ms() -> int:
    """Epoch milliseconds of the machine's clock, which may be set forward and back."""
    return time.time_ns() // 1_000_000


def monotonic_ns() -> int:
    """Monotonic nanoseconds, including time suspended if the system counts it."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class Pacer:
    """Lets one call pass per interval, across all threads.

    Args:
        interval_seconds: Minimum time between two calls; 0 for no limit.
        now: A monotonic clock, seconds.
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
