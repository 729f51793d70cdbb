"""What is known of one job, merged from answers, pages and events.

Pure: every input is a value with its time, so a test can play any order, loss or repetition of
messages. Polling and events fill the same table by the same rules, so both end in the same
snapshot:

- While polling, the service's counts are used.
- With events, the count of a terminal status is the larger of two: the service's at the last poll,
  and the table's now. An event of an execution that the table already has changes nothing, so
  neither a repeated event nor one that came before its poll is counted twice.
- Events report only ends of executions (aws-facts F4): QUEUED and IN_PROGRESS are those of the last
  poll, minus what has ended since.
- The event of a completed job has its counts; if they are higher than ours, events were lost, and
  ``missing`` says of which status.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from otactl.model.outcome import SETTLED, RoundResult, ThingOutcome
from otactl.model.progress import Source
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ENDED_JOB_STATUSES, ExecutionStatus, JobStatus
from otactl.monitor.attempt import SAME_MS
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.failure_groups import FailureGroups
from otactl.wire.job_event import ExecutionEvent, JobEvent, JobOperation

#: Ids of events that are remembered: an event is repeated within seconds.
REMEMBERED_EVENTS = 20_000
_QUEUED = ExecutionStatus.QUEUED
_IN_PROGRESS = ExecutionStatus.IN_PROGRESS
TERMINAL = tuple(status for status in ExecutionStatus if status.is_terminal)
_OVER = {JobOperation.COMPLETED: JobStatus.COMPLETED, JobOperation.CANCELED: JobStatus.CANCELED}


class JobState:
    """What is known of one job."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.table = ExecutionTable()
        self.failures = FailureGroups()
        #: The last description; None before the first poll, or if the job was never found.
        self.job: JobDescription | None = None
        #: Whether the job was found once, and is not any more.
        self.is_gone = False
        #: Whether an event with all counts reported that the job is over.
        self.is_fully_reported = False
        #: When the service was last polled.
        self.polled_ms = 0
        #: Grows with each change.
        self.version = 0
        self._counts = JobCounts()
        #: Its status before its deletion began.
        self._deleted_when: JobStatus | None = None
        self._events: OrderedDict[str, None] = OrderedDict()
        self._deleted: OrderedDict[str, int] = OrderedDict()

    def see_job(self, job: JobDescription | None, now_ms: int) -> None:
        """Add the answer of DescribeJob; None if the job was not found."""
        self.polled_ms = now_ms
        if job is None:
            self._see_none()
            return
        if job.is_being_deleted and self.job is not None:
            if job.counts.total < self.job.counts.total:
                # The deletion removes its executions: keep their counts.
                job = replace(job, counts=self.job.counts)
            if not self.job.is_being_deleted:
                self._deleted_when = self.job.status
        if job != self.job:
            self.version += 1
        self.job, self.is_gone = job, False
        self._counts = job.counts
        self.table.may_repeat = job.configuration.may_repeat

    def _see_none(self) -> None:
        """The job is gone, if it ever existed; keep its status from before the deletion."""
        self.is_gone = self.job is not None
        if self.job is not None and self.job.is_being_deleted and self._deleted_when:
            self.job = replace(self.job, status=self._deleted_when)

    def see_result(self, result: RoundResult, now_ms: int) -> None:
        """Add the result that its deployment recorded; the service no longer has the job."""
        if self.job is None:
            return
        for outcome in result.outcomes:
            self._put(outcome, now_ms, complete=bool(outcome.status_details))
        counts = JobCounts(dict(Counter(outcome.status for outcome in result.outcomes)))
        if counts.total < sum(result.counts.values()):
            counts = JobCounts(result.counts)  # not every execution was kept
        said = JobStatus.COMPLETED if result.status == SETTLED else result.status
        known = said in set(JobStatus)
        self.version += 1
        self._counts, self.is_fully_reported = counts, True
        self.job = replace(
            self.job,
            status=JobStatus(said) if known else self.job.status,
            counts=counts,
            completed_at_ms=self.job.completed_at_ms
            or self.job.created_at_ms + int(result.duration_seconds * 1000),
            rolling_out=False,
        )

    def see_details(self, outcomes: Iterable[ThingOutcome], now_ms: int) -> None:
        """Add the status details that its deployment recorded; they need no further calls."""
        for outcome in outcomes:
            if outcome.status_details:
                self._put(outcome, now_ms, complete=True)

    def see_page(self, executions: Iterable[ThingOutcome], now_ms: int) -> int:
        """Add a page of executions. Returns how many of them were news."""
        return sum(self._put(outcome, now_ms, complete=False) for outcome in executions)

    def see_execution(self, outcome: ThingOutcome, now_ms: int) -> bool:
        """Add an execution with all it reported. Returns whether it was news."""
        return self._put(outcome, now_ms, complete=True)

    def see_execution_event(self, event: ExecutionEvent) -> bool:
        """Add the event of an ended or deleted execution. Returns whether it was news."""
        if event.job_id != self.job_id or self._is_known(event.event_id):
            return False
        if event.status is None:
            return self._delete(event.thing_name, event.at_ms)
        if self._is_of_another_job(event) or event.at_ms <= self._deleted.get(event.thing_name, -1):
            return False
        return self._put(
            ThingOutcome(
                thing_name=event.thing_name,
                status=event.status,
                execution_number=event.execution_number or 1,
                updated_at_ms=event.at_ms,
                status_details=event.status_details,
            ),
            event.at_ms,
            complete=True,
            numbered=event.execution_number is not None,
        )

    def see_job_event(self, event: JobEvent) -> bool:
        """Add an event of the job. Returns whether it was news."""
        if event.job_id != self.job_id or self.job is None or self._is_known(event.event_id):
            return False
        if event.at_ms + SAME_MS < self.job.created_at_ms:
            return False  # an earlier job of this id
        status = _OVER.get(event.operation)
        if status is None:
            # Cancelling and deleting take a while; how they ended is reported, or found by a poll.
            return True
        self.version += 1
        self._counts = self.counts
        if event.counts is None and status is JobStatus.COMPLETED:
            return True  # it is over, but only a poll finds its counts
        if event.counts is not None:
            ended = {status: event.counts.get(status, 0) for status in TERMINAL}
            pending = {} if status is JobStatus.COMPLETED else _pending(self._counts, ended)
            self._counts = JobCounts({**ended, **pending})
            self.is_fully_reported = True
        self.job = replace(
            self.job,
            status=status,
            comment=event.comment or self.job.comment,
            reason_code=event.reason_code or self.job.reason_code,
            force_canceled=event.force_canceled or self.job.force_canceled,
            completed_at_ms=event.at_ms,
            rolling_out=False,
        )
        return True

    @property
    def counts(self) -> JobCounts:
        """Executions by status, as far as is known."""
        if self.job is not None and self.job.status is JobStatus.COMPLETED:
            return self._counts  # nothing can follow, so they are final, from polls or events
        ended = {
            status: max(self._counts[status], self.table.executions(status)) for status in TERMINAL
        }
        return JobCounts({**_pending(self._counts, ended), **ended})

    def counts_by(self, source: Source) -> JobCounts:
        """The counts of a source: the service's own, or those merged with events."""
        return self._counts if source is Source.POLLING else self.counts

    def missing(self, status: ExecutionStatus) -> int:
        """How many executions of a status the service counts and the table does not have."""
        return max(0, self._counts[status] - self.table.executions(status))

    def surplus(self, status: ExecutionStatus) -> int:
        """How many executions of a status are known beyond those the service counts.

        0 if a thing can have several executions: they are not distinguished well enough.
        """
        if not status.is_terminal or self.table.may_repeat:
            return 0
        return max(0, self.table.executions(status) - self._counts[status])

    def forget_unseen(self, status: ExecutionStatus, since_ms: int) -> None:
        """Remove executions of a status that no list had since then: they were deleted."""
        rows = [row for row in self.table.rows_with(status) if self.table.seen_ms(row) < since_ms]
        for row in rows:
            self._forget(self.table.names[row])

    def described(self, status: ExecutionStatus) -> int:
        """How many executions of a status the service counted at the last poll."""
        return self._counts[status]

    def accept_missing(self) -> None:
        """Count executions as known that the service counts but does not list."""
        for status in TERMINAL:
            self.table.assume(status, self.missing(status), self.polled_ms)

    @property
    def is_being_deleted(self) -> bool:
        """Whether the job was deleted, or is being deleted."""
        return self.is_gone or (self.job is not None and self.job.is_being_deleted)

    @property
    def is_over(self) -> bool:
        """Whether the job itself has ended; executions in progress may outlive it."""
        return self.job is not None and self.job.status in ENDED_JOB_STATUSES

    def _put(
        self, outcome: ThingOutcome, now_ms: int, *, complete: bool, numbered: bool = True
    ) -> bool:
        change = self.table.put(outcome, now_ms, complete=complete, numbered=numbered)
        if change is None:
            return False
        self.version += 1
        after, is_complete = change
        if complete or not is_complete:
            # Else its reason is counted already, and may no longer be kept in the table.
            self.failures.replace(outcome.thing_name, after, asked=is_complete)
        return True

    def _delete(self, thing_name: str, at_ms: int) -> bool:
        """Remove a deleted execution; its result may be reported later."""
        self._deleted[thing_name] = at_ms
        if len(self._deleted) > REMEMBERED_EVENTS:
            self._deleted.popitem(last=False)
        before = self._forget(thing_name)
        if before is None:
            return False
        counts = dict(self._counts.by_status)
        counts[before.status] = max(0, counts.get(before.status, 0) - 1)
        self._counts = JobCounts(counts)
        return True

    def _forget(self, thing_name: str) -> ThingOutcome | None:
        before = self.table.remove(thing_name)
        if before is not None:
            self.version += 1
            self.failures.replace(thing_name, None)
        return before

    def _is_of_another_job(self, event: ExecutionEvent) -> bool:
        """Whether it happened before this job existed, or after it was completed."""
        job = self.job
        if job is None:
            return False
        early = event.at_ms + SAME_MS < job.created_at_ms
        late = (
            job.status is JobStatus.COMPLETED
            and job.completed_at_ms is not None
            and (event.at_ms > job.completed_at_ms + SAME_MS)
        )
        return early or late

    def _is_known(self, event_id: str) -> bool:
        if event_id in self._events:
            return True
        self._events[event_id] = None
        if len(self._events) > REMEMBERED_EVENTS:
            self._events.popitem(last=False)
        return False


def _pending(described: JobCounts, ended: dict[ExecutionStatus, int]) -> dict[ExecutionStatus, int]:
    """QUEUED and IN_PROGRESS after more has ended, which is subtracted from IN_PROGRESS first."""
    more = sum(ended[status] - described[status] for status in TERMINAL)
    in_progress = max(0, described[_IN_PROGRESS] - max(0, more))
    queued = max(0, described[_QUEUED] - max(0, more - described[_IN_PROGRESS]))
    return {_QUEUED: queued, _IN_PROGRESS: in_progress}
