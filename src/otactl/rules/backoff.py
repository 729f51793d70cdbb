"""Retry an operation while AWS is unreachable, with growing pauses.

For whole operations that found AWS unreachable after botocore's own retries, which have their own
backoff with jitter. A single process doubles its pauses up to a minute. Many processes that retry
at once would collide again after equal pauses: each draws its share of the pause at random.

Nothing here reads a clock. The caller passes in the sleep: a command's, which a signal ends, or
that of a queued request, which ends with its lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from otactl.errors import AwsUnreachable

R = TypeVar("R")

#: A waiting process gives up after AWS was unreachable for this long.
MAX_UNREACHABLE_SECONDS = 900.0
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before trying again.

    Attributes:
        first_seconds: The pause after the first failure; it doubles with every failure in a row.
        longest_seconds: The longest pause.
        draw: Returns the share of the pause to wait, in [0, 1]; 1 for a single process.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    draw: Callable[[], float] = lambda: 1.0

    def pause_seconds(self, failures: int) -> float:
        """The pause after N failures in a row, N from 1."""
        reach = self.first_seconds * float(1 << min(failures - 1, _MAX_DOUBLINGS))
        return self.draw() * min(reach, self.longest_seconds)


#: Pauses of 1, 2, 4 … 60 seconds, for a single process.
UNTIL_A_MINUTE = Backoff()


class Retry:
    """Runs an operation again while AWS is unreachable.

    Args:
        sleep: Waits N seconds. What it raises ends the retry: a request to stop, a lost lease.
        on_pause: Called before each pause, with the reason and the seconds.
        backoff: How long the pauses are.
        max_tries: The N-th failure in a row is raised; None for no limit.
        monotonic_ms: Measures how long AWS is unreachable, from the first failure since its last
            answer: after ``MAX_UNREACHABLE_SECONDS`` the retry ends. None for no limit.
    """

    def __init__(
        self,
        sleep: Callable[[float], None],
        on_pause: Callable[[str, float], None],
        *,
        backoff: Backoff = UNTIL_A_MINUTE,
        max_tries: int | None = None,
        monotonic_ms: Callable[[], int] | None = None,
    ) -> None:
        self._sleep = sleep
        self._on_pause = on_pause
        self._backoff = backoff
        self._max_tries = max_tries
        self._monotonic_ms = monotonic_ms
        self._failures = 0
        self._failing_since_ms = 0

    def answered(self) -> None:
        """Record that AWS answered: the next failure begins a new outage.

        An operation may watch a rollout for days before the network fails for a moment.
        """
        self._failures = 0

    def until_done(self, act: Callable[[], R]) -> R:
        """Call ``act`` until it succeeds.

        Raises:
            AwsUnreachable: AWS was unreachable too often, or for too long.
        """
        while True:
            try:
                done = act()
            except AwsUnreachable as error:
                pause = self._failed(error)
            else:
                self.answered()
                return done
            self._sleep(pause)

    def _failed(self, error: AwsUnreachable) -> float:
        """Count a failure. Returns the pause after it, in seconds."""
        now_ms = self._monotonic_ms() if self._monotonic_ms else 0
        self._failures += 1
        if self._failures == 1:
            self._failing_since_ms = now_ms
        if self._failures == self._max_tries:
            raise error
        pause = self._backoff.pause_seconds(self._failures)
        if now_ms + pause * 1000 > self._failing_since_ms + MAX_UNREACHABLE_SECONDS * 1000:
            raise error
        self._on_pause(str(error), pause)
        return pause
