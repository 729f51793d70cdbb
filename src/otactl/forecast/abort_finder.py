"""The ends of the executions of one run, and the time at which an abort criterion is met.

Ends are counted by minute and by status. The counts are checked first: only a minute in which a
criterion could be met (if all its failures came before its successes) is sorted and checked end by
end, as the service does. So the cost is one count per execution, and a sort of few minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otactl.forecast.attempts import (
    CODES,
    EXECUTED_CODES,
    SUCCEEDED,
    Codes,
    Columns,
    Executions,
    Integers,
)
from otactl.model.job_configuration import AbortCriterion
from otactl.rules.abort import WHOLE, threshold_hundredths
from otactl.rules.rollout import MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """A job cancelling itself.

    Attributes:
        at_ms: The end that met the criterion.
        criterion: Its index in the job's list.
        executed: Executions that had ended by then.
        failed: Those among them that the criterion counts.
    """

    at_ms: int
    criterion: int
    executed: int
    failed: int


@dataclass(slots=True)
class Ends(Columns):
    """The ends of executions that count as executed, in order of time."""

    at_ms: Integers
    status: Codes
    thing: Integers


class AbortFinder:
    """Finds the abort of one run while its executions are added.

    Args:
        criteria: The job's abort criteria.
        minutes: The horizon; later ends are ignored.
    """

    def __init__(self, criteria: Sequence[AbortCriterion], minutes: int) -> None:
        self.parts: list[Executions] = []
        self._sorted: dict[int, Ends] = {}
        self._ends = np.zeros((minutes, EXECUTED_CODES), dtype=np.int64)
        self._minutes = minutes
        self._checked_at = 0
        self._before = np.zeros(EXECUTED_CODES, dtype=np.int64)
        self._thresholds = [threshold_hundredths(criterion) for criterion in criteria]
        self._minima = [max(1, c.min_number_of_executed_things) for c in criteria]
        self._counted = [
            [CODES[status] for status in sorted(c.failure_type.statuses)] for c in criteria
        ]

    def add(self, executions: Executions) -> None:
        """Add the executions of a segment of the run."""
        self.parts.append(executions)
        ends = ends_by_minute(executions, self._minutes)
        self._ends[: len(ends)] += ends

    def succeeded_before(self, minute: int) -> int:
        """Executions that succeeded before this minute began; all ends up to it must be known."""
        return int(self._ends[:minute, SUCCEEDED].sum())

    def successes_by_minute(self, minute: int, count: int) -> Integers:
        """The number that end in SUCCEEDED in each of ``count`` minutes, as far as known."""
        known = self._ends[minute : minute + count, SUCCEEDED]
        return np.concatenate([known, np.zeros(count - len(known), dtype=np.int64)])

    def abort_before(self, minute: int | None = None) -> Abort | None:
        """The first time a criterion is met before this minute, or before the horizon.

        Each minute is checked once: call it with ascending minutes, before which every end is
        known.
        """
        stop = self._minutes if minute is None else min(minute, self._minutes)
        if not self._thresholds or stop <= self._checked_at:
            return None
        ends = self._ends[self._checked_at : stop]
        totals = self._before + np.cumsum(ends, axis=0)
        for location in self._suspects(ends, totals):
            before = totals[location] - ends[location]
            abort = self._abort_in(self._checked_at + int(location), before)
            if abort is not None:
                return abort
        self._checked_at, self._before = stop, totals[-1]
        return None

    def _suspects(self, ends: Integers, totals: Integers) -> Integers:
        """The minutes in which a criterion is met for some order of their ends."""
        executed_before = (totals - ends).sum(axis=1)
        executed = executed_before + ends.sum(axis=1)
        possible = np.zeros(len(ends), dtype=np.bool_)
        for threshold, minimum, codes in zip(
            self._thresholds, self._minima, self._counted, strict=True
        ):
            failed = totals[:, codes].sum(axis=1)
            fewest = np.maximum(executed_before + ends[:, codes].sum(axis=1), minimum)
            fewest = np.minimum(fewest, executed)
            possible |= (failed * WHOLE >= threshold * fewest) & (executed >= minimum)
        return np.flatnonzero(possible & (ends.sum(axis=1) > 0))

    def _abort_in(self, minute: int, before: Integers) -> Abort | None:
        ends = self._in_order(minute)
        executed = before.sum() + np.arange(1, len(ends.status) + 1)
        best: Abort | None = None
        for index, codes in enumerate(self._counted):
            failed = before[codes].sum() + np.cumsum(np.isin(ends.status, codes))
            met = (failed * WHOLE >= self._thresholds[index] * executed) & (
                executed >= self._minima[index]
            )
            if not met.any():
                continue
            location = int(met.argmax())
            if best is None or executed[location] < best.executed:
                best = Abort(
                    at_ms=int(ends.at_ms[location]),
                    criterion=index,
                    executed=int(executed[location]),
                    failed=int(failed[location]),
                )
        return best

    def _in_order(self, minute: int) -> Ends:
        """The ends of one minute, by time and then by thing."""
        ends = Ends.concatenated([self._ends_in(each, minute) for each in range(len(self.parts))])
        return ends.only(np.lexsort((ends.thing, ends.at_ms)))

    def _ends_in(self, index: int, minute: int) -> Ends:
        if index not in self._sorted:
            part = self.parts[index]
            ends = Ends(part.ended_ms, part.status, part.attempts.thing)
            ends = ends.only(part.status < EXECUTED_CODES)
            self._sorted[index] = ends.only(np.argsort(ends.at_ms, kind="stable"))
        ends = self._sorted[index]
        low, high = np.searchsorted(ends.at_ms, (minute * MINUTE_MS, (minute + 1) * MINUTE_MS))
        return ends.only(slice(low, high))


def ends_by_minute(executions: Executions, minutes: int) -> Integers:
    """The number of ends by minute and code of the status: ``(minutes that occur, codes)``."""
    seen = (executions.status < EXECUTED_CODES) & (executions.ended_ms < minutes * MINUTE_MS)
    minute = executions.ended_ms[seen] // MINUTE_MS
    keys = minute * EXECUTED_CODES + executions.status[seen]
    counts = np.bincount(keys)
    padded = np.zeros(-(-len(counts) // EXECUTED_CODES) * EXECUTED_CODES, dtype=np.int64)
    padded[: len(counts)] = counts
    return padded.reshape(-1, EXECUTED_CODES)
