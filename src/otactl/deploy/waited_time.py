"""For how long a step has been under way, counted on by the process that resumes it.

``--max-wait`` is a span of the user's time, whatever number of processes watched in it. What a
killed process had not yet written down is lost: a few seconds.
"""

from __future__ import annotations

from otactl.deploy.journal import Journal
from otactl.model.clock import Clock

#: The least time from one entry to the next: each is a write to disk.
_KEEP_MS = 5_000


class WaitedTime:
    """The time one step has taken so far.

    Args:
        journal: Where it is kept.
        key: The step's.
        clock: Time.
    """

    def __init__(self, journal: Journal, key: str, clock: Clock) -> None:
        self._journal = journal
        self._key = key
        self._clock = clock
        self._earlier_ms = journal.waited_ms(key)
        self._started_ms = self._kept_at_ms = clock.monotonic_ms()

    def ms(self) -> int:
        """Milliseconds, those of earlier processes included."""
        return self._earlier_ms + self._clock.monotonic_ms() - self._started_ms

    def keep(self) -> None:
        """Write it down."""
        self._journal.enter_waited(self._key, self.ms())

    def keep_now_and_then(self) -> None:
        """Write it down, unless that was done a moment ago."""
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._kept_at_ms >= _KEEP_MS:
            self._kept_at_ms = now_ms
            self.keep()
