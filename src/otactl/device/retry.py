"""When to send again: later each time, up to a limit, and not all devices at the same moment."""

from __future__ import annotations

import zlib


def spread_of(thing_name: str) -> float:
    """A number from 0 to 1 that is the thing's own, to keep a fleet from retrying in step."""
    return zlib.crc32(thing_name.encode()) / 0xFFFFFFFF


class RetryTimer:
    """A deadline that doubles each time it passes.

    Args:
        first_ms: The wait before the first repetition.
        longest_ms: No wait is longer than this, apart from the spread.
        spread: 0 to 1; up to a quarter is added to every wait in that proportion.
    """

    __slots__ = ("_first_ms", "_longest_ms", "_spread", "deadline_ms", "expiries")

    def __init__(self, first_ms: int, longest_ms: int, spread: float) -> None:
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._spread = spread
        #: When it is due; None when nothing is waited for.
        self.deadline_ms: int | None = None
        #: How often in a row it has passed.
        self.expiries = 0

    def start(self, now_ms: int) -> None:
        """Wait for something new, from the shortest wait on."""
        self.expiries = 0
        self._arm(now_ms)

    def expire(self, now_ms: int) -> None:
        """Count one failure and wait longer for the next."""
        self.expiries += 1
        self._arm(now_ms)

    def stop(self) -> None:
        """Wait for nothing."""
        self.deadline_ms = None

    def is_due(self, now_ms: int) -> bool:
        """Whether the deadline has come."""
        return self.deadline_ms is not None and self.deadline_ms <= now_ms

    def _arm(self, now_ms: int) -> None:
        # The exponent is bounded, or a device offline for a month would compute a huge power.
        wait_ms = min(self._first_ms << min(self.expiries, 20), self._longest_ms)
        self.deadline_ms = now_ms + wait_ms + int(wait_ms * self._spread / 4)


def earliest(*deadlines_ms: int | None) -> int | None:
    """The first of some deadlines, None when there is none."""
    return min((deadline for deadline in deadlines_ms if deadline is not None), default=None)
