"""AWS IoT in memory as waves see it: jobs whose things begin, end and die in time.

It keeps AWS's rules that waves rest on: a cancel without force ends what is QUEUED and leaves what
is IN_PROGRESS, groups have members, alarms a history. Time is the clock of the test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from tests.unit.deploy.conftest import (
    MemoryAlarms,
    MemoryAws,
    MemoryClock,
    MemoryObjects,
    MemoryRegistry,
    MemoryStreams,
)

from otactl.errors import AwsRefused
from otactl.model.outcome import ThingOutcome
from otactl.model.progress import AlarmProgress, AlarmState
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection

#: Sections and keys of a file with a maintenance window every night.
WINDOWS = (
    "[SCHEDULING_CONFIG]\nstartTime = 2027-04-01 02:00\nmaintenanceWindowList = night\n",
    "[MAINTENANCE_WINDOW_night]\nstartTime = cron(0 2 * * ? *)\ndurationInMinutes = 60\n",
)
CONTINUOUS = {"useSchedulingConfig": "True", "targetSelection": "CONTINUOUS"}


@dataclass(frozen=True)
class Fate:
    """What a thing does with a job: begins after so many seconds, ends after so many more."""

    begins_s: float = 1
    takes_s: float = 5
    status: ExecutionStatus = ExecutionStatus.SUCCEEDED
    online_at_s: float = 0
    step: str = ""


NEVER = Fate(online_at_s=10**9)
_GOOD = Fate()


@dataclass
class _Job:
    request: object
    things: list[str]
    created_ms: int
    canceled_ms: int | None = None
    reason_code: str = ""


@dataclass
class WaveJobs:
    """IoT Jobs.

    Attributes:
        began: How often a thing began an installation, by name: what a device would count.
        by_itself: Called at every look; a test lets somebody else act there.
    """

    clock: MemoryClock
    registry: MemoryRegistry
    fates: dict[str, Fate] = field(default_factory=dict)
    #: By job, in place of ``fates``.
    fates_of: dict[str, dict[str, Fate]] = field(default_factory=dict)
    jobs: dict[str, _Job] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refusals: dict[str, AwsRefused] = field(default_factory=dict)
    looks: list[tuple[str, int, int]] = field(default_factory=list)
    lists: int = 0

    def create(self, request):
        if request.job_id in self.refusals:
            raise self.refusals[request.job_id]
        if request.job_id in self.jobs:
            raise AwsRefused("iot:CreateJob", "ResourceAlreadyExistsException", "exists")
        things = []
        for arn in request.targets:
            kind, _, name = arn.rpartition(":")[2].partition("/")
            things += self.registry.groups[name][1] if kind == "thinggroup" else [name]
        things = list(dict.fromkeys(things))
        self.jobs[request.job_id] = _Job(request, things, self.clock.ms)
        self.created.append(request.job_id)
        self.targets[request.job_id] = tuple(things)

    def _is_continuous(self, job_id) -> bool:
        selection = self.jobs[job_id].request.configuration.target_selection
        return selection is TargetSelection.CONTINUOUS

    def _take_joiners(self, job_id) -> None:
        """What joined the group of a CONTINUOUS job gets it, until that is cancelled."""
        job = self.jobs[job_id]
        if job.canceled_ms is not None or not self._is_continuous(job_id):
            return
        for arn in job.request.targets:
            members = self.registry.groups[arn.rpartition("/")[2]][1]
            job.things += [name for name in members if name not in job.things]

    def _state(self, job, name) -> tuple[ExecutionStatus, int | None, int | None]:
        """An execution's status, and when it began and last changed."""
        fate = self._fate(job, name)
        starts = max(job.created_ms + fate.begins_s * 1000, fate.online_at_s * 1000)
        now = self.clock.ms
        if job.canceled_ms is not None and starts >= job.canceled_ms:
            return ExecutionStatus.CANCELED, None, job.canceled_ms
        if now < starts:
            return ExecutionStatus.QUEUED, None, None
        ends = starts + fate.takes_s * 1000
        if now < ends:
            return ExecutionStatus.IN_PROGRESS, int(starts), int(starts)
        return fate.status, int(starts), int(ends)

    def _fate(self, job, name) -> Fate:
        return self.fates_of.get(job.request.job_id, self.fates).get(name, _GOOD)

    def _execution(self, job, name) -> ThingOutcome:
        status, started_ms, updated_ms = self._state(job, name)
        step = self._fate(job, name).step
        return ThingOutcome(
            thing_name=name,
            status=status,
            queued_at_ms=job.created_ms,
            started_at_ms=started_ms,
            updated_at_ms=updated_ms,
            status_details={"step": step} if step and started_ms is not None else {},
        )

    def all_of(self, job_id) -> list[ThingOutcome]:
        self._take_joiners(job_id)
        job = self.jobs[job_id]
        return [self._execution(job, name) for name in job.things]

    @property
    def began(self) -> dict[str, int]:
        return dict(
            Counter(
                name
                for job in self.jobs.values()
                for name in job.things
                if self._state(job, name)[1] is not None
            )
        )

    def describe(self, job_id):
        self.looks.append((job_id, self.clock.span_ms, self.clock.ms))
        job = self.jobs.get(job_id)
        if job is None:
            return None
        self._take_joiners(job_id)
        counts = Counter(self._state(job, name)[0] for name in job.things)
        is_over = not any(not status.is_terminal for status in counts)
        # A CONTINUOUS job never completes; between its windows it is SCHEDULED.
        over = JobStatus.SCHEDULED if self._is_continuous(job_id) else JobStatus.COMPLETED
        status = over if is_over else JobStatus.IN_PROGRESS
        if job.canceled_ms is not None:
            status = JobStatus.CANCELED
        return JobDescription(
            job_id=job_id,
            status=status,
            counts=JobCounts(counts),
            description=job.request.description,
            reason_code=job.reason_code,
            targets=job.request.targets,
            configuration=job.request.configuration,
            created_at_ms=job.created_ms,
        )

    def cancel(self, job_id, *, reason_code, comment):
        found = self.describe(job_id)
        if found.status not in (JobStatus.IN_PROGRESS, JobStatus.SCHEDULED):
            raise AwsRefused("iot:CancelJob", "InvalidStateTransitionException", "is over")
        self.jobs[job_id].canceled_ms = self.clock.ms
        self.jobs[job_id].reason_code = reason_code

    def force_cancel_job(self, job_id, *, reason_code, comment):
        raise AssertionError("waves never force")

    def delete_job(self, job_id):
        self.jobs.pop(job_id, None)

    def executions(self, job_id, status=None):
        self.lists += 1
        for one in self.all_of(job_id):
            if status in (None, one.status):
                yield one

    def execution(self, job_id, thing_name):
        return self._execution(self.jobs[job_id], thing_name)


@dataclass
class WaveAlarms(MemoryAlarms):
    """Alarms with a history: the instants, in milliseconds, at which each was in ALARM."""

    clock: MemoryClock | None = None
    in_alarm: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    states_of: dict[str, AlarmState] = field(default_factory=dict)

    def states(self, names):
        now = self.clock.ms
        found = []
        for name in names:
            spans = self.in_alarm.get(name, [])
            is_on = any(first <= now < last for first, last in spans)
            state = self.states_of.get(name, AlarmState.OK)
            changes = [at for span in spans for at in span if at <= now]
            found.append(
                AlarmProgress(
                    name=name,
                    state=AlarmState.ALARM if is_on else state,
                    since_ms=max(changes, default=0),
                )
            )
        return tuple(found)

    def went_off(self, name, since_ms):
        return any(last >= since_ms for _, last in self.in_alarm.get(name, []))


@dataclass
class FullRegistry(MemoryRegistry):
    """Groups that take no thing that is in ten already; filling takes time."""

    clock: MemoryClock | None = None
    full: set[str] = field(default_factory=set)
    filled: list[int] = field(default_factory=list)

    def fill_group(self, group_name, thing_arns, *, per_second):
        refused = {}
        for arn in thing_arns:
            name = arn.rpartition("/")[2]
            members = self.groups[group_name][1]
            if name in self.full:
                refused[arn] = "is in 10 thing groups already"
            elif name not in members:
                members.append(name)
        self.filled.append(self.clock.span_ms)
        self.clock.sleep(len(thing_arns) / per_second)
        return refused


class WaveAws(MemoryAws):
    """An account whose clock is seen in its answers alone, as AWS's is."""

    @property
    def services(self):
        def answered_ms():
            return self.jobs.looks[-1][2] if self.jobs.looks else None

        return replace(super().services, aws_time_ms=answered_ms)


def a_wave_world() -> MemoryAws:
    """An empty account."""
    clock = MemoryClock()
    registry = FullRegistry(clock=clock)
    return WaveAws(
        clock=clock,
        objects=MemoryObjects(),
        streams=MemoryStreams(),
        jobs=WaveJobs(clock, registry),
        registry=registry,
        alarms=WaveAlarms(clock=clock),
    )
