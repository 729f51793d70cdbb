"""Counts the result of a run: statuses, bricked things, bytes, and all of it over time.

After an abort (Developer Guide, jobs-configurations-details; aws-facts C) no more things are
notified, executions still QUEUED are CANCELED, later retries are not made, and executions
IN_PROGRESS continue to their end.

A thing counts as *bricked* if the last attempt that it began ended in a failure reported after
installing the image, or if it went silent after installing the image, SUCCEEDED or not.
``docs/forecast.md`` says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.attempts import (
    CANCELED,
    EXECUTED_CODES,
    IN_PROGRESS,
    NEVER,
    QUEUED,
    STATUSES,
    SUCCEEDED,
    Columns,
    Executions,
    Flags,
    Integers,
)
from otactl.forecast.run import Run
from otactl.model.status import ExecutionStatus
from otactl.rules.rollout import MINUTE_MS


@dataclass(slots=True, kw_only=True)
class Curves(Columns):
    """Counts over time: element i is what had happened ``minutes[i]`` minutes after creation.

    Attributes:
        minutes: Ascending, from the first minute's end on; see ``thinned``.
        notified, succeeded, unsuccessful, bricked: Things so far.
        bytes_per_second: Mean of the minute that ended then, over all downloads.
    """

    minutes: Integers
    notified: Integers
    succeeded: Integers
    unsuccessful: Integers
    bricked: Integers
    bytes_per_second: NDArray[np.float64]

    def thinned(self, points: int) -> Curves:
        """The same curves at N points at most, including the last.

        A few things that check in after days must not blur the hour in which nearly everything
        happens: half of the points are the first minutes, one by one; then the distance grows with
        the time, so that the error of a time is a constant share of it.
        """
        count = len(self.minutes)
        if count <= points:
            return self
        whole = points // 2
        later = np.geomspace(whole + 1, count, points - whole).round().astype(np.int64) - 1
        chosen = np.unique(np.concatenate([np.arange(whole), later]))
        return self.only(chosen)

    def at(self, name: str, minutes: Integers) -> NDArray[np.float64]:
        """A series at other minutes: its last point before, 0 before the first.

        After the last point a count stays constant, and bytes per second are 0.
        """
        series = np.concatenate([[0.0], getattr(self, name)])
        found: NDArray[np.float64] = series[np.searchsorted(self.minutes, minutes, side="right")]
        if name == "bytes_per_second":
            found[minutes > self.minutes[-1]] = 0.0
        return found

    def minutes_until(self, series: Integers, count: float) -> float:
        """When a count is reached; infinite if it is not."""
        location = int(np.searchsorted(series, count))
        return float(self.minutes[location]) if location < len(series) else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run in numbers. Things are counted by their last execution.

    Attributes:
        things: Size of the fleet.
        notified: Things that got an execution.
        by_status: Notified things by the status of their last execution.
        executions: Executions by status, retries counted each (aws-facts A5).
        settled_ms: When the last execution ended; None if some never end.
        aborted_ms: When a criterion was met, or None; criterion is its index in the job's list.
        executed_at_abort, failed_at_abort: Executions ended, and those the criterion counts.
        bricked_at_abort: Things bricked by then.
        bricked: Things bricked in the end, including those in progress at the abort.
        vanished: Those of them that never report again.
        unproven: Things that SUCCEEDED and came back with the old version, or not at all.
        downloads: Downloads begun; downloaded_bytes is what they carried.
    """

    things: int
    notified: int
    by_status: dict[ExecutionStatus, int]
    executions: dict[ExecutionStatus, int]
    settled_ms: int | None
    aborted_ms: int | None
    criterion: int | None
    executed_at_abort: int
    failed_at_abort: int
    bricked_at_abort: int
    bricked: int
    vanished: int
    unproven: int
    downloads: int
    downloaded_bytes: int
    peak_bytes_per_second: float
    curves: Curves


def run_result(one_run: Run, *, things: int, image_bytes: int, horizon_minutes: int) -> RunResult:
    """Count one run."""
    counting = _Counting(one_run, image_bytes, horizon_minutes)
    for part in one_run.parts:
        counting.add(part)
    abort = one_run.abort
    curves = counting.curves()
    return RunResult(
        things=things,
        notified=int(counting.notified.sum()),
        by_status=_named(counting.by_status),
        executions=_named(counting.executions),
        settled_ms=None
        if counting.executions[[IN_PROGRESS, QUEUED]].any()
        else counting.last_end_ms,
        aborted_ms=None if abort is None else abort.at_ms,
        criterion=None if abort is None else abort.criterion,
        executed_at_abort=0 if abort is None else abort.executed,
        failed_at_abort=0 if abort is None else abort.failed,
        bricked_at_abort=counting.bricked_at_abort,
        bricked=int(counting.bricked.sum()),
        vanished=counting.vanished,
        unproven=counting.unproven,
        downloads=counting.downloads,
        downloaded_bytes=counting.downloads * image_bytes,
        peak_bytes_per_second=float(curves.bytes_per_second.max(initial=0.0)),
        curves=curves,
    )


def _named(counts: Integers) -> dict[ExecutionStatus, int]:
    return {status: int(count) for status, count in zip(STATUSES, counts, strict=True)}


class _Counting:
    """Adds up the parts one by one, so that no array of the whole fleet is needed."""

    def __init__(self, one_run: Run, image_bytes: int, horizon_minutes: int) -> None:
        self._abort_ms = None if one_run.abort is None else one_run.abort.at_ms
        self._horizon_ms = horizon_minutes * MINUTE_MS
        self._minutes = horizon_minutes
        self._image_bytes = image_bytes
        self.notified = np.zeros(horizon_minutes, dtype=np.int64)
        self.bricked = np.zeros(horizon_minutes, dtype=np.int64)
        self._finished = np.zeros((horizon_minutes, EXECUTED_CODES), dtype=np.int64)
        self._rate = np.zeros(horizon_minutes)
        self._partial = np.zeros(horizon_minutes)
        self.by_status = np.zeros(len(STATUSES), dtype=np.int64)
        self.executions = np.zeros(len(STATUSES), dtype=np.int64)
        self.last_end_ms = 0
        self.bricked_at_abort = 0
        self.vanished = 0
        self.unproven = 0
        self.downloads = 0

    def add(self, part: Executions) -> None:
        exists, canceled, last = self._cut(part)
        status, ended = part.status.copy(), part.ended_ms
        unfinished = ended >= self._horizon_ms
        started = part.attempts.started_ms < self._horizon_ms
        status[unfinished] = np.where(started[unfinished], IN_PROGRESS, QUEUED)
        if self._abort_ms is not None:
            status[canceled] = CANCELED
            ended = np.where(canceled, self._abort_ms, ended)
        self.executions += np.bincount(status[exists], minlength=len(STATUSES))
        self.by_status += np.bincount(status[last], minlength=len(STATUSES))
        done = exists & (status <= CANCELED)
        self.last_end_ms = max(self.last_end_ms, int(ended[done].max(initial=0)))
        self.unproven += int((last & part.attempts.unproven & (status == SUCCEEDED)).sum())
        _count_minutes(self.notified, part.attempts.queued_ms[exists & (part.attempt == 1)])
        self._count_finished(part, last & (status < EXECUTED_CODES))
        self._count_bricked(part, exists & ~canceled)
        self._count_downloads(part, exists & ~canceled & started)

    def _cut(self, part: Executions) -> tuple[Flags, Flags, Flags]:
        """Which executions exist, which of them are cancelled, which are the last of a thing."""
        queued = part.attempts.queued_ms
        if self._abort_ms is None:
            exists = queued < self._horizon_ms
            followed = part.retried & (part.ended_ms < self._horizon_ms)
            return exists, np.zeros(len(part), dtype=np.bool_), exists & ~followed
        first = part.attempt == 1
        exists = (queued < self._abort_ms) | (first & (queued == self._abort_ms))
        followed = part.retried & (part.ended_ms < self._abort_ms)
        canceled = exists & (part.attempts.started_ms > self._abort_ms)
        return exists, canceled, exists & ~followed

    def _count_finished(self, part: Executions, chosen: Flags) -> None:
        keys = part.ended_ms[chosen] // MINUTE_MS * EXECUTED_CODES + part.status[chosen]
        counts = np.bincount(keys)
        self._finished.reshape(-1)[: len(counts)] += counts

    def _count_bricked(self, part: Executions, chosen: Flags) -> None:
        """A bricked thing stays so unless another attempt begins."""
        attempts = part.attempts
        broken = np.flatnonzero(chosen & (attempts.breaks_after_ms < self._horizon_ms))
        again = part.retry_starts_ms[broken] < self._horizon_ms
        if self._abort_ms is not None:
            again &= part.retry_starts_ms[broken] <= self._abort_ms
            again &= part.ended_ms[broken] < self._abort_ms
        broken = broken[~again]
        at_ms = attempts.started_ms[broken] + attempts.breaks_after_ms[broken]
        broken, at_ms = broken[at_ms < self._horizon_ms], at_ms[at_ms < self._horizon_ms]
        is_gone = (attempts.reports_after_ms[broken] >= NEVER) | attempts.unproven[broken]
        self.vanished += int(is_gone.sum())
        _count_minutes(self.bricked, at_ms)
        if self._abort_ms is not None:
            self.bricked_at_abort += int((at_ms <= self._abort_ms).sum())

    def _count_downloads(self, part: Executions, chosen: Flags) -> None:
        """Spread each download evenly over its time; each minute gets its part."""
        chosen &= part.attempts.download_ms > 0
        begins, lasts = part.attempts.started_ms[chosen], part.attempts.download_ms[chosen]
        rate = self._image_bytes / lasts
        self.downloads += len(begins)
        for at_ms, sign in ((begins, 1.0), (begins + lasts, -1.0)):
            minute = np.minimum(at_ms // MINUTE_MS, self._minutes - 1)
            rest = np.maximum(0, (minute + 1) * MINUTE_MS - at_ms)
            change = np.bincount(minute, rate)
            self._rate[: len(change)] += sign * change
            within = np.bincount(minute, rate * rest)
            self._partial[: len(within)] += sign * within

    def curves(self) -> Curves:
        """The counts so far as curves, up to the last minute in which anything happens."""
        before = np.cumsum(self._rate) - self._rate
        in_minute = np.maximum(before * MINUTE_MS + self._partial, 0.0)
        busy = self.notified + self.bricked + self._finished.sum(axis=1) + (in_minute > 1.0)
        end = int(np.flatnonzero(busy).max(initial=0)) + 1
        finished = np.cumsum(self._finished[:end], axis=0)
        return Curves(
            minutes=np.arange(1, end + 1),
            notified=np.cumsum(self.notified[:end]),
            succeeded=finished[:, 0],
            unsuccessful=finished[:, 1:].sum(axis=1),
            bricked=np.cumsum(self.bricked[:end]),
            bytes_per_second=in_minute[:end] * 1000 / MINUTE_MS,
        )


def _count_minutes(counts: Integers, at_ms: Integers) -> None:
    found = np.bincount(at_ms // MINUTE_MS)
    counts[: len(found)] += found
