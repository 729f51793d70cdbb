"""Which things are notified in which minute: ``rules.rollout``, some minutes at a time.

The forecast works through a rollout in stretches of minutes, long enough to fill an array. While
the rate waits for successes, a stretch is planned at the rate as it is, and cut back to the
minute in which the successes that it brought about would have raised the rate.
"""

from __future__ import annotations

import numpy as np

from otactl.forecast.attempts import Integers
from otactl.model.job_configuration import Rollout
from otactl.rules.rollout import (
    RolloutState,
    depends_on_success,
    missing_for_raise,
    rate_per_minute,
    releases,
)


class Pace:
    """The batches of one rollout to N things.

    Args:
        rollout: The job's rollout; None for the service's default.
        things: How many there are to notify.
        chunk: How many things a stretch should hold. The first one holds a 128th of it, the
            next twice as many: most aborts come early, and then little was done in vain.
    """

    def __init__(self, rollout: Rollout | None, things: int, chunk: int = 1 << 16) -> None:
        self._rollout = rollout
        self._things = things
        self._chunk = chunk
        self._known: Integers | None = None
        if not depends_on_success(rollout):
            self._known = np.fromiter(releases(rollout, things), dtype=np.int64)

    def segment(self, minute: int, notified: int, succeeded: int) -> Integers:
        """The number of things notified in each of the minutes from ``minute`` on.

        Args:
            minute: The first minute of the stretch, counted from the job's creation.
            notified: Things notified before it.
            succeeded: Things that succeeded before it.
        """
        chunk = max(1, min(self._chunk, max(self._chunk // 128, notified)))
        if self._known is not None:
            ends = np.cumsum(self._known[minute : minute + chunk])
            return self._known[minute : minute + int(np.searchsorted(ends, chunk)) + 1]
        rate = rate_per_minute(self._rollout, self._state(notified, succeeded))
        left = self._things - notified
        minutes = min(max(1, chunk // rate), -(-left // rate))
        batches = np.full(minutes, rate, dtype=np.int64)
        batches[-1] = min(rate, left - rate * (minutes - 1))
        return batches

    @property
    def waits_for_success(self) -> bool:
        """Whether successes raise the rate, so that a stretch may have to be cut back."""
        return self._known is None

    def minutes_at_this_rate(self, notified: int, succeeded: int, more: Integers) -> int:
        """How many minutes of a stretch keep their rate.

        Args:
            notified: Things notified before the stretch.
            succeeded: Things that succeeded before the stretch.
            more: Successes within the stretch before each of its minutes begins; the first is 0.
        """
        missing = missing_for_raise(self._rollout, self._state(notified, succeeded))
        return len(more) if missing is None else int(np.searchsorted(more, missing))

    def _state(self, notified: int, succeeded: int) -> RolloutState:
        return RolloutState(waiting=self._things - notified, notified=notified, succeeded=succeeded)
