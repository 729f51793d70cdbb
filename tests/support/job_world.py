"""IoT Jobs in memory, with a clock that jumps and a broker that may lose, double and delay.

A real implementation of the monitor's own Protocols: it keeps executions, counts them as the
service does, lists them page by page in whatever order the test wants, and publishes the
lifecycle events of aws-facts F4. What it costs is counted call by call.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field, replace

from otactl.errors import AwsRefused
from otactl.model.job_configuration import JobConfiguration
from otactl.model.outcome import ExecutionPage, ThingOutcome
from otactl.model.progress import AlarmProgress, AlarmState
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.ports import Connected, Lost
from otactl.wire.job_event import ExecutionEvent, JobEvent, JobOperation

S = ExecutionStatus
START_MS = 1_800_000_000_000


@dataclass
class Happening:
    """Something that happens at a time."""

    at_ms: int
    act: object


class JobWorld:
    """One account's jobs, the time, and the way events take.

    Args:
        page_size: Executions on a page.
        newest_first: The order of the pages; AWS does not document its own.
        deliver: Makes the deliveries of one event: delays in ms, one for each copy.
        numbers: Whether execution events carry the execution number; on AWS they do not.
    """

    def __init__(
        self, *, page_size=250, newest_first=True, deliver=lambda event: (50,), numbers=False
    ) -> None:
        self.ms = START_MS
        #: By how much somebody set the wall clock forward; negative: back.
        self.set_forward_ms = 0
        self.page_size = page_size
        self.newest_first = newest_first
        self.deliver = deliver
        self.numbers = numbers
        self.calls: Counter[str] = Counter()
        self.jobs: dict[str, JobDescription] = {}
        self.executions: dict[str, list[ThingOutcome]] = {}
        self.unlisted: set[tuple[str, int]] = set()
        self.refusal: AwsRefused | None = None
        self.is_connected = False
        self.alarms: dict[str, AlarmState] = {}
        self._due: list[tuple[int, int, object]] = []
        self._order = itertools.count()
        self._event_numbers = itertools.count()

    # The clock, and the inbox.

    def now_ms(self) -> int:
        return self.ms + self.set_forward_ms

    def monotonic_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)

    def at(self, seconds: float, act) -> None:
        """Let something happen so many seconds after the start."""
        self._push(START_MS + int(seconds * 1000), act)

    def _push(self, at_ms: int, act) -> None:
        heapq.heappush(self._due, (at_ms, next(self._order), act))

    def receive(self, timeout_seconds: float):
        until = self.ms + max(0, int(timeout_seconds * 1000))
        while self._due and self._due[0][0] <= until:
            at_ms, _, act = heapq.heappop(self._due)
            self.ms = max(self.ms, at_ms)
            if not callable(act):
                return [act]
            act()
        self.ms = until
        return []

    def connect(self, seconds: float = 0) -> None:
        self._plug(seconds, Connected())

    def lose(self, seconds: float, reason: str = "broker gone") -> None:
        self._plug(seconds, Lost(reason))

    def _plug(self, seconds: float, message) -> None:
        self.at(seconds, lambda: setattr(self, "is_connected", message == Connected()))
        self.at(seconds, message)

    # What happens in the account.

    def create(self, job_id="job", things=(), configuration=None) -> None:
        self.jobs[job_id] = JobDescription(
            job_id=job_id,
            status=JobStatus.IN_PROGRESS,
            counts=JobCounts(),
            created_at_ms=self.ms,
            configuration=configuration or JobConfiguration(),
        )
        self.executions[job_id] = []
        self.queue(things, job_id)

    def queue(self, things, job_id="job") -> None:
        for name in things:
            earlier = [one for one in self.executions[job_id] if one.thing_name == name]
            self.executions[job_id].append(
                ThingOutcome(
                    thing_name=name,
                    status=S.QUEUED,
                    execution_number=len(earlier) + 1,
                    queued_at_ms=self.ms,
                    updated_at_ms=self.ms,
                )
            )

    def start(self, *names, job_id="job", **details) -> None:
        for name in names:
            self._change(name, job_id, S.IN_PROGRESS, details)

    def end(self, status, *names, job_id="job", retried=False, **details) -> None:
        for name in names:
            ended = self._change(name, job_id, status, details)
            self._tell_execution(job_id, ended)
            if retried:
                self.queue([name], job_id)
        self._maybe_complete(job_id)

    def take_out(self, name, job_id="job") -> None:
        """Somebody deletes the last execution of a thing; nothing happens when it has none."""
        found = [one for one in self.executions[job_id] if one.thing_name == name]
        if not found:
            return
        self.executions[job_id].remove(found[-1])
        self._publish(
            ExecutionEvent(
                event_id=f"e{next(self._event_numbers)}",
                job_id=job_id,
                at_ms=self.ms // 1000 * 1000,
                thing_name=name,
                status=None,
            )
        )
        self._maybe_complete(job_id)

    def cancel(self, job_id="job", *, with_counts=False, comment="", reason_code="") -> None:
        for one in list(self.executions[job_id]):
            if one.status is S.QUEUED:
                self._tell_execution(job_id, self._change(one.thing_name, job_id, S.CANCELED, {}))
        self._over(
            job_id,
            JobStatus.CANCELED,
            JobOperation.CANCELED,
            with_counts,
            comment=comment,
            reason_code=reason_code,
        )

    def delete(self, job_id="job") -> None:
        del self.jobs[job_id]

    def begin_to_delete(self, job_id="job") -> None:
        """AWS takes its time, and the executions go one by one (aws-facts A)."""
        job = self.jobs[job_id]
        self.jobs[job_id] = replace(job, status=JobStatus.DELETION_IN_PROGRESS)
        del self.executions[job_id][::2]

    def _change(self, name, job_id, status, details) -> ThingOutcome:
        executions = self.executions[job_id]
        index = max(i for i, one in enumerate(executions) if one.thing_name == name)
        one = executions[index]
        assert not one.status.is_terminal, f"{name} is {one.status} already"
        executions[index] = replace(
            one,
            status=status,
            started_at_ms=one.started_at_ms or (self.ms if status is S.IN_PROGRESS else None),
            updated_at_ms=self.ms,
            status_details={key: str(text) for key, text in details.items()} or one.status_details,
        )
        return executions[index]

    def _maybe_complete(self, job_id) -> None:
        job = self.jobs[job_id]
        if (
            job.status is JobStatus.IN_PROGRESS
            and all(one.status.is_terminal for one in self.executions[job_id])
            and job.configuration.target_selection.value == "SNAPSHOT"
        ):
            self._over(job_id, JobStatus.COMPLETED, JobOperation.COMPLETED, with_counts=True)

    def _over(self, job_id, status, operation, with_counts, **members) -> None:
        self.jobs[job_id] = replace(
            self.jobs[job_id], status=status, completed_at_ms=self.ms, **members
        )
        counts = {
            status: count
            for status, count in self.counts(job_id).by_status.items()
            if status.is_terminal
        }
        self._publish(
            JobEvent(
                event_id=f"e{next(self._event_numbers)}",
                job_id=job_id,
                at_ms=self.ms,
                operation=operation,
                counts=counts if with_counts else None,
                **members,
            )
        )

    def _tell_execution(self, job_id, one) -> None:
        self._publish(
            ExecutionEvent(
                event_id=f"e{next(self._event_numbers)}",
                job_id=job_id,
                # Events have whole seconds.
                at_ms=self.ms // 1000 * 1000,
                thing_name=one.thing_name,
                status=one.status,
                status_details=one.status_details,
                execution_number=one.execution_number if self.numbers else None,
            )
        )

    def _publish(self, event) -> None:
        for delay_ms in self.deliver(event) if self.is_connected else ():
            self._push(self.ms + delay_ms, event)

    # What can be asked.

    def counts(self, job_id="job") -> JobCounts:
        return JobCounts(dict(Counter(one.status for one in self.executions[job_id])))

    def describe(self, job_id):
        self._call("DescribeJob")
        job = self.jobs.get(job_id)
        return None if job is None else replace(job, counts=self.counts(job_id))

    def page(self, job_id, status, token):
        self._call("ListJobExecutionsForJob")
        found = [
            replace(one, status_details={})
            for one in self.executions[job_id]
            if status in (None, one.status)
            and (one.thing_name, one.execution_number) not in self.unlisted
        ]
        found.sort(key=lambda one: one.updated_at_ms or 0, reverse=self.newest_first)
        first = int(token or 0)
        page = tuple(found[first : first + self.page_size])
        after = first + self.page_size
        return ExecutionPage(page, str(after) if after < len(found) else None)

    def execution(self, job_id, thing_name):
        self._call("DescribeJobExecution")
        found = [one for one in self.executions[job_id] if one.thing_name == thing_name]
        return found[-1] if found else None

    def states(self, names):
        self._call("DescribeAlarms")
        return tuple(
            AlarmProgress(name=name, state=self.alarms.get(name, AlarmState.MISSING))
            for name in names
        )

    def _call(self, name) -> None:
        self.calls[name] += 1
        if self.refusal is not None:
            raise self.refusal


@dataclass
class Screen:
    """Keeps the snapshots a watch shows."""

    shown: list = field(default_factory=list)

    def __call__(self, job_id, snapshot) -> None:
        self.shown.append(snapshot)

    @property
    def last(self):
        return self.shown[-1]
