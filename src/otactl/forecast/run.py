"""Plays one rollout from its first minute to its end, in batches of things.

The order of events is the service's: a minute begins, its things are notified, executions end one
by one, and after each end the abort criteria are checked. But minutes are not played one by one: a
segment of minutes is planned and the executions of its things are computed at once. If the rate
rose within the segment, the rest of it is discarded and planned again; if the job was aborted, the
rollout is over.

A segment is long enough to fill an array. While the rate depends on successes, a segment is planned
at the current rate (``rules.rollout``) and cut at the minute in which its own successes raise the
rate.
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
        things: Number of things to notify.
        chunk: Number of things in a segment. The first one has a 128th of it, the next twice as
            many: most aborts come early, and then little work is wasted.
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
            minute: The first minute of the segment, counted from the job's creation.
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
        """Whether successes raise the rate, so that a segment may have to be cut."""
        return self._known is None

    def minutes_at_this_rate(self, notified: int, succeeded: int, more: Integers) -> int:
        """The number of minutes of a segment before the rate rises.

        Args:
            notified: Things notified before the segment.
            succeeded: Things that succeeded before the segment.
            more: Successes within the segment before each of its minutes begins; the first is 0.
        """
        missing = missing_for_raise(self._rollout, self._state(notified, succeeded))
        return len(more) if missing is None else int(np.searchsorted(more, missing))

    def _state(self, notified: int, succeeded: int) -> RolloutState:
        return RolloutState(waiting=self._things - notified, notified=notified, succeeded=succeeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The executions and the abort of one run.

    Attributes:
        parts: Every execution of every thing notified up to and in the segment of the abort,
            without the effect of the abort.
        abort: The first time a criterion was met, or None.
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
        opens: The minutes in which things may be notified, ascending, and last the horizon: later
            ends are ignored.
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
