"""This machine's clocks: the wall's, and one that is never set."""

from __future__ import annotations

import time


def wall_ms() -> int:
    """Epoch milliseconds, as the machine believes; they may be set forward and back."""
    return time.time_ns() // 1_000_000


def monotonic_ns() -> int:
    """Nanoseconds that go on while the machine is suspended, where the system can count them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()
