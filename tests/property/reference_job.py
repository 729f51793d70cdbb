"""A job played out event by event, in plain Python: what the forecast's arrays must agree with.

One heap, one event at a time, every decision asked of ``otactl.rules``. Slow and obvious.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otactl.model.status import ExecutionStatus
from otactl.rules.abort import firing_criterion
from otactl.rules.retry import retries_left
from otactl.rules.rollout import MINUTE_MS, RolloutState, next_release
from otactl.rules.timeout import deadline_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.listed_fleet import Act

    from otactl.model.job_configuration import AbortCriterion, JobConfiguration

S = ExecutionStatus

#: Of events at the same instant: a batch goes out, executions start, executions end, retries queue.
RELEASE, START, END, RETRY = range(4)


@dataclass
class ReferenceJob:
    """A job, its executions, and the events to come."""

    job: JobConfiguration
    acts: Sequence[Sequence[Act]]
    status: dict[tuple[int, int], ExecutionStatus] = field(default_factory=dict)
    started: list[tuple[int, int]] = field(default_factory=list)
    bricked_ms: dict[tuple[int, int], int] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    aborted_ms: int | None = None
    criterion: AbortCriterion | None = None
    counts_at_abort: Counter[ExecutionStatus] = field(default_factory=Counter)
    last_end_ms: int = 0
    log: list[tuple[int, str, int, int, ExecutionStatus]] = field(default_factory=list)
    events: list[tuple[int, int, int, int]] = field(default_factory=list)
    notified: int = 0

    def play(self) -> ReferenceJob:
        """Run to the end of all events."""
        self.events = [(0, RELEASE, 0, 0)]
        handlers = {RELEASE: self._release, START: self._start, END: self._end, RETRY: self._queue}
        while self.events:
            now, kind, thing, attempt = heapq.heappop(self.events)
            handlers[kind](now, thing, attempt)
        return self

    def last_status(self, thing: int) -> ExecutionStatus | None:
        """Of the thing's last execution; None when it was never notified."""
        of_thing = [status for (who, _), status in sorted(self.status.items()) if who == thing]
        return of_thing[-1] if of_thing else None

    def bricked(self) -> int:
        """Things that were bricked by the last attempt that they began."""
        last = dict(sorted(self.started))
        return sum(1 for thing, attempt in last.items() if (thing, attempt) in self.bricked_ms)

    def counts(self) -> Counter[ExecutionStatus]:
        """Executions by status."""
        return Counter(self.status.values())

    def _release(self, now: int, _thing: int, _attempt: int) -> None:
        waiting = len(self.acts) - self.notified
        if self.aborted_ms is not None or not waiting:
            return
        state = RolloutState(
            waiting=waiting, notified=self.notified, succeeded=self.counts()[S.SUCCEEDED]
        )
        batch = next_release(self.job.rollout, state)
        self.batches.append(batch)
        for thing in range(self.notified, self.notified + batch):
            self._queue(now, thing, 1)
        self.notified += batch
        heapq.heappush(self.events, (now + MINUTE_MS, RELEASE, 0, 0))

    def _queue(self, now: int, thing: int, attempt: int) -> None:
        if self.aborted_ms is not None:
            return
        self.status[thing, attempt] = S.QUEUED
        self.log.append((now, "QUEUED", thing, attempt, S.QUEUED))
        starts = self._act(thing, attempt).starts_after_ms
        if starts is not None:
            heapq.heappush(self.events, (now + starts, START, thing, attempt))

    def _start(self, now: int, thing: int, attempt: int) -> None:
        if self.status[thing, attempt] is not S.QUEUED:
            return
        self.status[thing, attempt] = S.IN_PROGRESS
        self.started.append((thing, attempt))
        self.log.append((now, "STARTED", thing, attempt, S.IN_PROGRESS))
        act = self._act(thing, attempt)
        if act.breaks_after_ms is not None:
            self.bricked_ms[thing, attempt] = now + act.breaks_after_ms
        deadline = deadline_ms(now, self.job.in_progress_timeout_minutes)
        report = None if act.reports_after_ms is None else now + act.reports_after_ms
        ends = [when for when in (deadline, report) if when is not None]
        if ends:
            heapq.heappush(self.events, (min(ends), END, thing, attempt))

    def _end(self, now: int, thing: int, attempt: int) -> None:
        act = self._act(thing, attempt)
        self.status[thing, attempt] = self._ended(now, thing, attempt, act)
        self.last_end_ms = now
        self.log.append((now, "ENDED", thing, attempt, self.status[thing, attempt]))
        if self.aborted_ms is not None:
            return
        self.criterion = firing_criterion(self.job.abort_criteria, self.counts())
        if self.criterion is not None:
            self._abort(now)
        elif retries_left(self.job.retry_criteria, self.status[thing, attempt], attempt) > 0:
            heapq.heappush(self.events, (now, RETRY, thing, attempt + 1))

    def _ended(self, now: int, thing: int, attempt: int, act: Act) -> ExecutionStatus:
        timeout = self.job.in_progress_timeout_minutes
        in_time = act.reports_after_ms is not None and (
            timeout is None or act.reports_after_ms <= timeout * MINUTE_MS
        )
        return act.status if in_time else S.TIMED_OUT

    def _abort(self, now: int) -> None:
        self.aborted_ms = now
        self.counts_at_abort = self.counts()
        self.log.append((now, "ABORTED", -1, 0, S.CANCELED))
        for execution, status in self.status.items():
            if status is S.QUEUED:
                self.status[execution] = S.CANCELED
                self.log.append((now, "CANCELED", *execution, S.CANCELED))

    def _act(self, thing: int, attempt: int) -> Act:
        acts = self.acts[thing]
        return acts[min(attempt, len(acts)) - 1]
