"""The counts of a job over time, with a limited number of points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from otactl.model.outcome import ThingOutcome
from otactl.model.progress import RolloutProgress
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus
from otactl.rules.rollout import (
    DEFAULT_MAXIMUM_PER_MINUTE,
    RolloutState,
    depends_on_success,
    missing_for_raise,
    rate_per_minute,
)

#: Points kept; more than a chart has pixels for.
MAX_POINTS = 600

_STATUSES = tuple(ExecutionStatus)
Counts = tuple[int, ...]


@dataclass(slots=True)
class Progress:
    """Executions by status over time, in the order of ``ExecutionStatus``.

    If there are too many points every other one is dropped: the line gets coarser, not shorter.
    """

    points: list[tuple[int, Counts]] = field(default_factory=list)

    def begin(self, earlier: Progress, unlisted: int) -> None:
        """Insert what happened before the first poll.

        Args:
            earlier: From ``progress_of``.
            unlisted: Number of executions not known one by one; they count as QUEUED throughout.
        """
        if not self.points:
            return
        first_ms = self.points[0][0]
        waiting = _STATUSES.index(ExecutionStatus.QUEUED)
        before = [
            (at_ms, tuple(count + unlisted * (at == waiting) for at, count in enumerate(counts)))
            for at_ms, counts in earlier.points
            if at_ms < first_ms
        ]
        self.points[:0] = before
        self._thin()

    def note(self, now_ms: int, counts: JobCounts) -> None:
        """Add the current counts, if they changed."""
        row = tuple(counts[status] for status in _STATUSES)
        if self.points and self.points[-1][1] == row:
            return
        if self.points and self.points[-1][0] >= now_ms:
            self.points[-1] = (self.points[-1][0], row)
            return
        if self.points:
            # Without this point a sudden change would look like a slow one.
            last_ms, last = self.points[-1]
            if now_ms - last_ms > 1:
                self.points.append((now_ms - 1, last))
        self.points.append((now_ms, row))
        self._thin()

    def _thin(self) -> None:
        while len(self.points) > MAX_POINTS:
            del self.points[1:-1:2]


def progress_of(executions: Iterable[ThingOutcome]) -> Progress:
    """The counts over time by the executions' own times: when queued, started and ended.

    Exact even if no process watched. An execution with an unknown start counts as queued until its
    end.
    """
    moves: list[tuple[int, int, int]] = []
    for outcome in executions:
        at_ms = outcome.queued_at_ms
        if at_ms is None:
            continue
        status = ExecutionStatus.QUEUED
        moves.append((at_ms, -1, _STATUSES.index(status)))
        for later_ms, later in (
            (outcome.started_at_ms, ExecutionStatus.IN_PROGRESS),
            (outcome.updated_at_ms, outcome.status),
        ):
            if later_ms is None or later is status:
                continue
            at_ms = max(at_ms, later_ms)
            moves.append((at_ms, _STATUSES.index(status), _STATUSES.index(later)))
            status = later
    return _replayed(sorted(moves))


def _replayed(moves: list[tuple[int, int, int]]) -> Progress:
    counts = [0] * len(_STATUSES)
    progress = Progress()
    # Several moves in one step of the chart are one point.
    span = moves[-1][0] - moves[0][0] if moves else 0
    step = span // MAX_POINTS + 1
    bucket = -1
    for at_ms, left, entered in moves:
        if not progress.points:
            progress.points.append((at_ms - 1, tuple(counts)))
        if left >= 0:
            counts[left] -= 1
        counts[entered] += 1
        if at_ms // step == bucket:
            progress.points.pop()
        progress.points.append((at_ms, tuple(counts)))
        bucket = at_ms // step
    return progress


def rollout_progress(job: JobDescription, unnotified: int | None) -> RolloutProgress | None:
    """How fast AWS notifies things now; None if all are notified."""
    if unnotified == 0:
        return None
    rollout = job.configuration.rollout
    state = RolloutState(
        waiting=unnotified or 0,
        notified=job.counts.total,
        succeeded=job.counts[ExecutionStatus.SUCCEEDED],
    )
    return RolloutProgress(
        rate_per_minute=rate_per_minute(rollout, state),
        maximum_per_minute=(
            DEFAULT_MAXIMUM_PER_MINUTE if rollout is None else rollout.maximum_per_minute
        ),
        missing_for_raise=missing_for_raise(rollout, state),
        counts_successes=depends_on_success(rollout),
    )
