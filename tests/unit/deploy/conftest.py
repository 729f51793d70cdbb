"""An AWS in memory: real implementations of the deployment's own Protocols, not mocks.

It keeps state, refuses what AWS refuses, and lets a test cut a call off before or after it took
effect. That it behaves as the service does is the contract tests' business.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from tests.support.memory_states import MemoryThingStates

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.ports import CreateJobRequest, Services, StoredObject, StreamRequest
from otactl.errors import AwsRefused, Interrupted, UserMistake
from otactl.model.outcome import ThingOutcome
from otactl.model.progress import AlarmProgress, AlarmState
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, JobStatus

ACCOUNT = "123456789012"
REGION = "eu-central-1"
#: The deployment whose journal ``execute`` makes.
EXECUTED = "20261123T120000Z-abcdef"


class MemoryClock:
    """A clock that jumps: sleeping takes no time."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self.span_ms = 0
        self.stop = False
        self.shielded = False

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.span_ms

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        self.span_ms += int(seconds * 1000)
        self.check()

    def check(self) -> None:
        if self.stop and not self.shielded:
            raise Interrupted

    def shield(self) -> None:
        self.shielded = True


@dataclass
class MemoryObjects:
    stored: dict[tuple[str, str], StoredObject] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    claims: set[tuple[str, str, str]] = field(default_factory=set)
    buckets: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"bucket": (ACCOUNT, REGION)}
    )

    def check_bucket(self, bucket, *, owner, region):
        if self.buckets.get(bucket) != (owner, region):
            raise UserMistake(f"bucket {bucket} will not do")

    def find(self, bucket, key):
        return self.stored.get((bucket, key))

    def put_file(self, bucket, key, path, *, sha256, metadata):
        if (found := self.find(bucket, key)) is not None:
            return found
        stored = StoredObject(
            bucket=bucket, key=key, size_bytes=1, sha256=sha256, created=True, metadata=metadata
        )
        self.stored[bucket, key] = stored
        return stored

    def put_text(self, bucket, key, text):
        self.texts[bucket, key] = text
        self.stored[bucket, key] = StoredObject(bucket=bucket, key=key, size_bytes=len(text))

    def read_text(self, bucket, key, *, limit_bytes):
        return self.texts[bucket, key][:limit_bytes]

    def delete(self, bucket, key, version_id):
        self.stored.pop((bucket, key), None)

    def claim(self, bucket, key, claimant):
        self.claims.add((bucket, key, claimant))

    def release(self, bucket, key, claimant):
        self.claims.discard((bucket, key, claimant))
        return self.claimants(bucket, key)

    def claimants(self, bucket, key):
        return frozenset(who for b, k, who in self.claims if (b, k) == (bucket, key))


@dataclass
class MemoryStreams:
    streams: dict[str, StreamRequest] = field(default_factory=dict)

    def create(self, request):
        if request.stream_id in self.streams:
            raise AwsRefused("iot:CreateStream", "ResourceAlreadyExistsException", "exists")
        self.streams[request.stream_id] = request

    def description(self, stream_id):
        found = self.streams.get(stream_id)
        return found.description if found else None

    def delete(self, stream_id):
        self.streams.pop(stream_id, None)


@dataclass
class MemoryJobs:
    """Jobs that are over as soon as they are looked at, the way ``fates`` says.

    Attributes:
        deletion_ms: How long a job stays in DELETION_IN_PROGRESS; AWS takes its time.
        takes_ms: How long a job is in progress before it is over.
        deleted_unfinished: Jobs that were deleted before they had ended.
    """

    clock: MemoryClock
    deletion_ms: int = 0
    takes_ms: int = 0
    fates: dict[str, ExecutionStatus] = field(default_factory=dict)
    status: JobStatus = JobStatus.COMPLETED
    comment: str = ""
    reason_code: str = ""
    jobs: dict[str, CreateJobRequest] = field(default_factory=dict)
    created: list[CreateJobRequest] = field(default_factory=list)
    gone_at_ms: dict[str, int] = field(default_factory=dict)
    deleted_unfinished: list[str] = field(default_factory=list)
    created_at_ms: dict[str, int] = field(default_factory=dict)

    def _settle(self, job_id):
        if self.gone_at_ms.get(job_id, self.clock.now_ms() + 1) <= self.clock.now_ms():
            del self.jobs[job_id], self.gone_at_ms[job_id]

    def create(self, request):
        self._settle(request.job_id)
        if request.job_id in self.jobs:
            raise AwsRefused("iot:CreateJob", "ResourceAlreadyExistsException", "exists")
        self.jobs[request.job_id] = request
        self.created.append(request)
        self.created_at_ms[request.job_id] = self.clock.now_ms()

    def describe(self, job_id):
        self._settle(job_id)
        request = self.jobs.get(job_id)
        if request is None:
            return None
        under_way = self._is_under_way(job_id)
        counts: dict[ExecutionStatus, int] = {}
        for status in self._things(request).values():
            counts[status] = counts.get(status, 0) + 1
        return JobDescription(
            job_id=job_id,
            status=(
                JobStatus.DELETION_IN_PROGRESS
                if job_id in self.gone_at_ms
                else JobStatus.IN_PROGRESS
                if under_way
                else self.status
            ),
            counts=JobCounts(counts),
            description=request.description,
            comment=self.comment,
            reason_code=self.reason_code,
            targets=request.targets,
            created_at_ms=self.created_at_ms.get(job_id, self.clock.now_ms()),
        )

    def _is_under_way(self, job_id):
        created_ms = self.created_at_ms.get(job_id)
        return created_ms is not None and self.clock.now_ms() < created_ms + self.takes_ms

    def _things(self, request):
        names = [arn.rpartition("/")[2] for arn in request.targets]
        if request in self.created and self._is_under_way(request.job_id):
            return dict.fromkeys(names, ExecutionStatus.IN_PROGRESS)
        return {name: self.fates.get(name, ExecutionStatus.SUCCEEDED) for name in names}

    def cancel(self, job_id, *, reason_code, comment):
        self.status = JobStatus.CANCELED

    def force_cancel_job(self, job_id, *, reason_code, comment):
        self.status = JobStatus.CANCELED

    def delete_job(self, job_id):
        found = self.describe(job_id)
        if found is not None and found.is_unfinished:
            self.deleted_unfinished.append(job_id)
        if job_id in self.gone_at_ms:
            raise AwsRefused("iot:DeleteJob", "InvalidStateTransitionException", "being deleted")
        if job_id in self.jobs:
            self.gone_at_ms[job_id] = self.clock.now_ms() + self.deletion_ms
            self._settle(job_id)

    def executions(self, job_id, status=None):
        for name, fate in self._things(self.jobs[job_id]).items():
            if status in (None, fate):
                yield ThingOutcome(thing_name=name, status=fate)

    def execution(self, job_id, thing_name):
        fate = self._things(self.jobs[job_id])[thing_name]
        details = {"downloadTime": "2.5"}
        if fate is not ExecutionStatus.SUCCEEDED:
            details = {"reason": f"{thing_name} did not like it"}
        return ThingOutcome(thing_name=thing_name, status=fate, status_details=details)


@dataclass
class MemoryRegistry:
    groups: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def things_in_group(self, group_name):
        if group_name not in self.groups:
            raise AwsRefused(
                "iot:ListThingsInThingGroup", "ResourceNotFoundException", "no such group"
            )
        yield from self.groups[group_name][1]

    def create_group(self, group_name, *, description):
        self.groups.setdefault(group_name, (description, []))
        return f"arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/{group_name}"

    def add_things(self, group_name, thing_arns, *, concurrency):
        for count, arn in enumerate(thing_arns, start=1):
            self.groups[group_name][1].append(arn.rpartition("/")[2])
            yield count

    def fill_group(self, group_name, thing_arns, *, per_second):
        list(self.add_things(group_name, thing_arns, concurrency=1))
        return {}

    def groups_of(self, thing_name):
        return [name for name, (_, things) in self.groups.items() if thing_name in things]

    def group_description(self, group_name):
        return self.groups[group_name][0] if group_name in self.groups else None

    def delete_group(self, group_name):
        self.groups.pop(group_name, None)


@dataclass
class MemoryAlarms:
    alarms: dict[str, str] = field(default_factory=dict)

    def put(self, name, alarm, *, job_id, description):
        self.alarms[name] = description

    def description(self, name):
        return self.alarms.get(name)

    def delete(self, name):
        self.alarms.pop(name, None)

    def states(self, names):
        return tuple(AlarmProgress(name=name, state=AlarmState.OK) for name in names)

    def went_off(self, name, since_ms):
        return False


@dataclass
class MemoryWatch:
    jobs: MemoryJobs
    clock: MemoryClock
    poll_seconds: float = 1

    def snapshots(self, job_id):
        while True:
            yield JobSnapshot(at_ms=self.clock.now_ms(), job=self.jobs.describe(job_id))
            self.clock.sleep(self.poll_seconds)


@dataclass
class MemoryAws:
    """The parts, and the bundle of them that a deployment takes."""

    clock: MemoryClock
    objects: MemoryObjects
    streams: MemoryStreams
    jobs: MemoryJobs
    registry: MemoryRegistry
    alarms: MemoryAlarms
    thing_states: MemoryThingStates = field(default_factory=MemoryThingStates)

    def __post_init__(self) -> None:
        self.thing_states.groups = self.registry.groups_of

    @property
    def services(self) -> Services:
        return Services(
            objects=self.objects,
            streams=self.streams,
            jobs=self.jobs,
            registry=self.registry,
            alarms=self.alarms,
            watch=MemoryWatch(self.jobs, self.clock),
            clock=self.clock,
            thing_states=self.thing_states,
        )

    @property
    def is_empty(self) -> bool:
        return not (
            self.objects.stored
            or self.objects.claims
            or self.streams.streams
            or self.jobs.jobs
            or self.registry.groups
            or self.alarms.alarms
        )

    def contents(self) -> object:
        return replace(self.objects), dict(self.streams.streams), dict(self.jobs.jobs)


@pytest.fixture
def aws() -> MemoryAws:
    clock = MemoryClock()
    return MemoryAws(
        clock=clock,
        objects=MemoryObjects(),
        streams=MemoryStreams(),
        jobs=MemoryJobs(clock),
        registry=MemoryRegistry(),
        alarms=MemoryAlarms(),
    )


@pytest.fixture
def execute(aws, tmp_path):
    journals = []

    def build(plan=None, observer=None, **options) -> Executor:
        path = tmp_path / f"{EXECUTED}.sqlite"
        if plan is None:
            journal = Journal.open(path)
        else:
            journal = Journal.create(path, plan, now_ms=0, about={})
        journals.append(journal)
        return Executor(
            journal, aws.services, observer or Observer(), lambda: {"iot:X": 1}, **options
        )

    yield build
    for journal in journals:
        journal.close()
