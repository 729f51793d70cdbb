"""One rollout from its first minute to its end: the loop that the forecast repeats, and its pace.

The order of things is the service's: a minute begins, its things are notified, executions end one
by one, and after each end the abort criteria are looked at. Time is not stepped through, though.
A stretch of minutes is planned, the lives of its things are computed at once, and then it is
known whether the rate went up or the job was aborted within the stretch; in the first case the
rest of the stretch is thrown away and planned anew, in the second the rollout is over.

Stretches are long enough to fill an array. While the rate waits for successes, a stretch is planned
at the rate as it is (``rules.rollout``), and cut back to the minute in which the successes that it
brought about would have raised the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otactl.forecast.abort_finder import Abort, AbortFinder, ends_by_minute
from otactl.forecast.attempts import NEVER, SUCCEEDED, Executions, FleetModel, Integers, executions
from otactl.model.job_configuration import JobConfiguration, Rollout
from otactl.rules.rollout import (
    MINUTE_MS,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happened in one run.

    Attributes:
        parts: Every execution of every thing that was notified up to the stretch in which the job
            was aborted, as if it had not been.
        abort: The first moment a criterion was met, or None.
        end_ms: When the job's schedule ends.
    """

    parts: list[Executions]
    abort: Abort | None
    end_ms: int = NEVER


def run(
    fleet: FleetModel, job: JobConfiguration, pace: Pace, opens: Integers, end_ms: int = NEVER
) -> Run:
    """Roll the job out to the fleet.

    Args:
        fleet: What each thing would do.
        job: The policy.
        pace: The batches of the job's rollout to as many things as the fleet has.
        opens: The minutes in which things may be notified, ascending, and last the horizon: what
            ends later is not seen.
        end_ms: When the job's schedule ends.
    """
    horizon = int(opens[-1])
    abort_finder = AbortFinder(job.abort_criteria, horizon)
    location = notified = 0
    while notified < fleet.things and opens[location] < horizon:
        succeeded = abort_finder.succeeded_before(int(opens[location]))
        batches = pace.segment(location, notified, succeeded)[: len(opens) - 1 - location]
        minutes = opens[location : location + len(batches)]
        part = executions(fleet, job, notified, np.repeat(minutes * MINUTE_MS, batches), end_ms)
        if pace.waits_for_success:
            more = _successes_before(abort_finder, part, minutes)
            batches = batches[: pace.minutes_at_this_rate(notified, succeeded, more)]
            part = part.only(part.attempts.thing < notified + int(batches.sum()))
        abort_finder.add(part)
        notified += int(batches.sum())
        location += len(batches)
        # Only things notified by now can end before the next minute, so every end is known.
        abort = abort_finder.abort_before(int(opens[location]))
        if abort is not None:
            return Run(parts=abort_finder.parts, abort=abort, end_ms=end_ms)
    return Run(parts=abort_finder.parts, abort=abort_finder.abort_before(), end_ms=end_ms)


def _successes_before(abort_finder: AbortFinder, part: Executions, minutes: Integers) -> Integers:
    """Successes from the start of the first of these minutes to the start of each of them."""
    first, count = int(minutes[0]), int(minutes[-1] - minutes[0]) + 1
    new = ends_by_minute(part, first + count)[first : first + count, SUCCEEDED]
    by_minute = abort_finder.successes_by_minute(first, count)
    by_minute[: len(new)] += new
    return (np.cumsum(by_minute) - by_minute)[minutes - first]
