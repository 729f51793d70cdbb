"""The one retry: an act is done again while AWS is out of reach, less and less often.

For whole operations that found AWS out of reach after botocore's own retries were spent; those
have their own backoff with jitter. What waits alone doubles its pauses up to a minute. What many
processes do at once would collide again if all waited equally long: each draws its share of the
pause at random.

Nothing here reads a clock. What waits is handed in: the clock of a command, which a
signal stops, or that of a request out of the queue, which ends with its lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from otactl.errors import AwsUnreachable

R = TypeVar("R")

#: How long a network may be away before a waiting process gives up.
MAX_UNREACHABLE_SECONDS = 900.0
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before trying again.

    Attributes:
        first_seconds: The pause after the first failure; it doubles with every failure in a row.
        longest_seconds: No pause grows beyond it.
        draw: The share of the pause that is waited, of [0, 1]; all of it unless many do the same.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    draw: Callable[[], float] = lambda: 1.0

    def pause_seconds(self, failures: int) -> float:
        """The pause after N failures in a row, N from 1."""
        reach = self.first_seconds * float(1 << min(failures - 1, _MAX_DOUBLINGS))
        return self.draw() * min(reach, self.longest_seconds)


#: 1, 2, 4 … 60 seconds: one process waits, not a fleet.
UNTIL_A_MINUTE = Backoff()


class Retry:
    """Does an act, and does it again while AWS cannot be reached.

    Args:
        sleep: Waits N seconds. What it raises ends the retry: a request to stop, a lost lease.
        on_pause: Called with why and for how many seconds, before each pause.
        backoff: How long the pauses are.
        max_tries: How many failures in a row there may be; None for any number.
        monotonic_ms: Measures how long AWS is out of reach, from the first failure since it last
            answered: ``MAX_UNREACHABLE_SECONDS`` end it. None for any time.
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
        """AWS has answered: the outage, if there was one, is over.

        An act may watch a rollout for days before the network is lost for a moment.
        """
        self._failures = 0

    def until_done(self, act: Callable[[], R]) -> R:
        """Do it until it is done.

        Raises:
            AwsUnreachable: AWS was out of reach too often, or for too long.
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
        """Count a failure; the pause after it."""
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
