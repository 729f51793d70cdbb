"""A job request: what the queue stores of one future, current or past deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otactl.jobqueue.order import Priority, added_ms_of, deployment_id_of, priority_of
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.model.wave import OpenJobs
from otactl.rules.waves.membership import share_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's right to deploy a request, for a limited time.

    Attributes:
        owner: The worker: host, process and a random part.
        until_ms: Epoch milliseconds; from then on any worker may take the request over.
    """

    owner: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Which things and groups the request is for.

    Attributes:
        count: How many targets its list has.
        inline: Their digests (``TargetSet.packed``) when they are few.
        file: The object that holds them when they are many.
        has_groups: Whether there are groups among them, whose things must be listed by AWS.
    """

    count: int
    inline: bytes | None = None
    file: StoredFile | None = None
    has_groups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A request's position among those that one thing list was split into."""

    name: str
    part: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request failed.

    Attributes:
        exit_code: What ``otactl queue run --once`` ends with.
    """

    kind: FailureKind
    reason: str
    exit_code: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a request's deployment, in counts.

    Attributes:
        to_roll_back, rolled_back: Things that had to be rolled back, and those that were; None
            if no rollback began.
    """

    things: int
    succeeded: int
    rounds: int
    to_roll_back: int | None = None
    rolled_back: int | None = None

    @property
    def not_succeeded(self) -> int:
        """Things that did not succeed, or were not reached."""
        return max(0, self.things - self.succeeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One request.

    Attributes:
        job_id: The request's id; its job has it in AWS IoT too.
        order_key: Its position in the queue (``otactl.jobqueue.order``).
        bucket: Where its files are.
        document: A local custom job document, if the configuration has one.
        excepted: The list of things that are in no wave, if it has one.
        former: The images of former versions, if a failed gate rolls back.
        targets: None for a request that the manual's old script added.
        not_before_ms: When it may be deployed at the earliest, epoch milliseconds.
        after: Order keys of the requests that must have succeeded before.
        run: 1, and one more each time it is retried.
        attempt: How many workers have claimed it in this run.
        fence: How many have in total: it only grows, and each write of a worker names its own.
        lease: The lease of its worker; None if no worker has it.
        last_error: Why the last worker released it.
        checkpoint: The plan and the rounds that are over, once there is a plan.
        waves: Which things are in which wave, once there is a plan with waves.
        gate: The last verdict, in words, of the gate it was left at; empty before the first.
        gate_wave: The wave of that gate.
        gate_asks: What a person must decide (``Question``); empty if nothing.
        gate_until_ms: When time alone changes that verdict, epoch milliseconds.
        keep_days: How long it is kept once it is over; None for ever.
        required_succeeded: Of a series, the share of its things that makes it Deployed, hundredths
            of a percent; None for all of them.
        maximum_minutes: After how many minutes that is judged; None: when its job is over.
        image_version: The version of the image by the configuration, for lists of requests.
        open_until_ms: How long jobs of waves stay open for offline things, epoch milliseconds;
            None if nothing was left open.
        closed_ms: When what was left open was closed; None before.
        foreign: Attributes that are not otactl's, kept as they are.
    """

    job_id: str
    order_key: str
    state: RequestState
    bucket: str
    image: StoredFile
    configuration: StoredFile
    thing_list: StoredFile
    document: StoredFile | None = None
    excepted: StoredFile | None = None
    former: tuple[StoredFile, ...] = ()
    targets: Targets | None = None
    not_before_ms: int | None = None
    after: tuple[str, ...] = ()
    series: Series | None = None
    run: int = 1
    attempt: int = 0
    fence: int = 0
    lease: Lease | None = None
    last_error: str = ""
    checkpoint: StoredFile | None = None
    waves: StoredFile | None = None
    gate: str = ""
    gate_wave: str = ""
    gate_asks: str = ""
    gate_until_ms: int | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    ended_ms: int | None = None
    keep_days: int | None = None
    required_succeeded: int | None = None
    maximum_minutes: int | None = None
    image_version: str = ""
    open_until_ms: int | None = None
    closed_ms: int | None = None
    foreign: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def priority(self) -> Priority:
        """Whether it is deployed before or after the others."""
        return priority_of(self.order_key)

    @property
    def added_ms(self) -> int | None:
        """When it was added, epoch milliseconds; None if its key has no valid time."""
        return added_ms_of(self.order_key)

    @property
    def deployment_id(self) -> str:
        """The id of its deployment, the same for every worker that claims it in this run."""
        return deployment_id_of(self.order_key, self.job_id, self.run)

    @property
    def aws_job_id(self) -> str:
        """The id of its job in AWS IoT; that of an earlier run is not used again."""
        return self.job_id if self.run == 1 else f"{self.job_id}-r{self.run}"

    def is_met_by(self, outcome: Outcome) -> bool:
        """Whether enough things succeeded for the next request of its series."""
        if self.required_succeeded is None or not outcome.things:
            return False
        return outcome.succeeded >= share_of(outcome.things, self.required_succeeded)

    @property
    def is_at_gate(self) -> bool:
        """Whether it was left at a gate, and no worker has claimed it since."""
        return self.state is RequestState.DEPLOYING and bool(self.gate) and not self.attempt

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """The files that a worker needs to deploy it."""
        optional = (file for file in (self.document, self.excepted) if file is not None)
        # A former image that is also the new one is one file.
        former = (file for file in self.former if file.key != self.image.key)
        return (self.configuration, self.thing_list, self.image, *optional, *former)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """Jobs that a request left open, stored in an item of its own: the request may expire earlier.

    Attributes:
        order_key: The request's.
        due_ms: When they must be closed, epoch milliseconds.
    """

    order_key: str
    due_ms: int
    jobs: OpenJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedRequest:
    """An item of the table that is not a valid request.

    Attributes:
        reason: What is wrong with it.
        item: The item, which is kept as it is.
        is_too_large: Whether nothing can be added to it.
    """

    order_key: str
    state: RequestState
    reason: str
    item: Mapping[str, Any] = field(repr=False)
    is_too_large: bool = False
