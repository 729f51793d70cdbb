"""What ``--output json`` says of a running job, and of virtual devices."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.gate import Gate
from otactl.model.json_output.shaping import Digits, Moment, Of


class Pace(TypedDict):
    """How fast a job goes."""

    notifiedPerMinute: Annotated[float, Digits(2)]
    finishedPerMinute: Annotated[float, Digits(2)]
    windowSeconds: Annotated[float, Digits(1)]


class TimeLeft(TypedDict):
    """The estimated time left; the upper bound is null if there is none."""

    lowSeconds: Annotated[int, Digits(0)]
    likelySeconds: Annotated[int, Digits(0)]
    highSeconds: Annotated[int | None, Digits(0)]


class Percentiles(TypedDict):
    """Percentiles of what N devices reported."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


class FailureGroup(TypedDict):
    """Things that failed for one reason."""

    status: str
    reason: str
    count: int
    examples: list[str]


class SilentThing(TypedDict):
    """A thing in progress without an update."""

    thing: str
    silentSeconds: Annotated[int, Digits(0)]
    step: str


class Rollout(TypedDict):
    """How fast AWS notifies now, and how far it is to the next increase."""

    ratePerMinute: float | None
    maximumPerMinute: int
    missingForRaise: int | None
    countsSuccesses: bool


class AbortDistance(TypedDict):
    """How far an abort criterion is from being met."""

    failureType: str
    thresholdPercentage: float
    minNumberOfExecutedThings: int
    failed: int
    executed: int
    percentage: Annotated[float, Digits(2)]
    missingExecutions: int
    missingFailures: int | None


class Alarm(TypedDict):
    """An alarm of the deployment."""

    name: str
    state: str
    since: Annotated[str | None, Of("since_ms"), Moment]
    reason: str


class RoundDone(TypedDict):
    """A finished round."""

    round: int
    status: str
    counts: dict[str, int]
    durationSeconds: Annotated[float, Digits(1)]


class Rounds(TypedDict):
    """The rounds of a deployment, while it watches its job."""

    current: int
    planned: int
    done: list[RoundDone]


class FollowedThing(TypedDict):
    """A thing named with ``--thing``."""

    thing: str
    status: str | None
    step: str
    receivedBlocks: int | None
    totalBlocks: int | None
    silentSeconds: Annotated[float | None, Of("silent_after_seconds"), Digits(1)]
    heard: str
    connected: bool | None
    statusDetails: dict[str, str]


class Progress(TypedDict):
    """The state of a job; a job that was not found has only the first fields."""

    jobId: str
    at: str
    status: str | None
    exists: bool
    things: int | None
    source: str
    note: str
    polledAt: str | None
    counts: NotRequired[dict[str, int]]
    total: NotRequired[int]
    finished: NotRequired[int]
    unnotified: NotRequired[int | None]
    comment: NotRequired[str]
    reasonCode: NotRequired[str]
    createdAt: NotRequired[str | None]
    completedAt: NotRequired[str | None]
    listed: NotRequired[int]
    pace: NotRequired[Pace | None]
    eta: NotRequired[TimeLeft | None]
    downloadSeconds: NotRequired[Percentiles]
    retries: NotRequired[Percentiles]
    failures: NotRequired[list[FailureGroup]]
    silentCount: NotRequired[int]
    silent: NotRequired[list[SilentThing]]
    rollout: NotRequired[Rollout | None]
    abort: NotRequired[list[AbortDistance]]
    alarms: NotRequired[list[Alarm]]
    rounds: NotRequired[Rounds | None]
    gate: NotRequired[Gate | None]
    followed: NotRequired[list[FollowedThing]]


class ProgressOfJobs(TypedDict):
    """Several jobs."""

    jobs: list[Progress]


class FleetThing(TypedDict):
    """A virtual device of the fleet."""

    thing: str
    certificate: str | None
    runs: str | None


class FleetThings(TypedDict):
    """The fleet."""

    groups: dict[str, list[str]]
    things: list[FleetThing]


class CreatedFleet(TypedDict):
    """The fleet that was created."""

    groups: list[str]
    things: list[str]
    policy: str
    directory: str


class ThingRun(TypedDict):
    """What a virtual device did with one job."""

    thing: str
    behaviour: str
    jobId: str
    executionNumber: int
    status: str | None
    reason: str
    sha256: str | None
    downloadSeconds: float
    receivedBlocks: int
    retries: int


class FleetRun(TypedDict):
    """What the fleet did until it ended."""

    things: int
    idle: bool
    counts: dict[str, int]
    results: list[ThingRun]
