"""When to retry: the wait doubles up to a limit, and differs between devices."""

from __future__ import annotations

import zlib


def spread_of(thing_name: str) -> float:
    """A number from 0 to 1 by thing name, so that a fleet does not retry all at once."""
    return zlib.crc32(thing_name.encode()) / 0xFFFFFFFF


class RetryTimer:
    """A deadline whose wait doubles each time it passes.

    Args:
        first_ms: The wait before the first retry.
        longest_ms: The longest wait, without the spread.
        spread: 0 to 1; each wait grows by a quarter of this share.
    """

    __slots__ = ("_first_ms", "_longest_ms", "_spread", "deadline_ms", "expiries")

    def __init__(self, first_ms: int, longest_ms: int, spread: float) -> None:
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._spread = spread
        #: When it is due; None while stopped.
        self.deadline_ms: int | None = None
        #: How often it has passed in a row.
        self.expiries = 0

    def start(self, now_ms: int) -> None:
        """Start with the shortest wait."""
        self.expiries = 0
        self._arm(now_ms)

    def expire(self, now_ms: int) -> None:
        """Count a failure and start the next, longer wait."""
        self.expiries += 1
        self._arm(now_ms)

    def stop(self) -> None:
        """Stop; ``expiries`` stays."""
        self.deadline_ms = None

    def is_due(self, now_ms: int) -> bool:
        """Whether the deadline has passed."""
        return self.deadline_ms is not None and self.deadline_ms <= now_ms

    def _arm(self, now_ms: int) -> None:
        # Bound the exponent: a device offline for a month would compute a huge power.
        wait_ms = min(self._first_ms << min(self.expiries, 20), self._longest_ms)
        self.deadline_ms = now_ms + wait_ms + int(wait_ms * self._spread / 4)


def earliest(*deadlines_ms: int | None) -> int | None:
    """The first of some deadlines; None if all are None."""
    return min((deadline for deadline in deadlines_ms if deadline is not None), default=None)
