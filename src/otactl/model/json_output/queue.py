"""What ``--output json`` says of the queue."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.deployment import Decision, Deployment, LeftOut
from otactl.model.json_output.shaping import NullIfEmpty, Of


class Series(TypedDict):
    """Which part of a series a request is."""

    name: str
    part: int
    parts: int


class RequestRollback(TypedDict):
    """How many things were to be rolled back, and how many were."""

    things: int
    succeeded: int


class RequestOutcome(TypedDict):
    """The result of a request."""

    things: int
    succeeded: int
    notSucceeded: int
    rounds: int
    rollback: RequestRollback | None


class RequestFailure(TypedDict):
    """Why a request failed."""

    kind: str
    reason: str
    exitCode: NotRequired[int]


class Wait(TypedDict):
    """What a pending request waits for."""

    reason: str
    request: Annotated[str | None, Of("on"), NullIfEmpty]


class Waiting(TypedDict):
    """What a request waits for; null when it waits for nothing."""

    waitsFor: Wait | None


class Request(TypedDict):
    """A request; one that cannot be read has only its position in the queue and the reason."""

    jobId: str | None
    timestamp: Annotated[str, Of("order_key")]
    state: str
    priority: NotRequired[str]
    addedAt: NotRequired[str | None]
    notBefore: NotRequired[str | None]
    after: NotRequired[list[str]]
    series: NotRequired[Series | None]
    requiredSucceededPercentage: NotRequired[float | None]
    maximumMinutes: NotRequired[int | None]
    targets: NotRequired[int | None]
    image: NotRequired[str]
    imageVersion: NotRequired[Annotated[str | None, NullIfEmpty]]
    bucket: NotRequired[str]
    files: NotRequired[dict[str, str | None]]
    awsJobId: NotRequired[str | None]
    deploymentId: NotRequired[str | None]
    run: NotRequired[int]
    attempt: NotRequired[int]
    fence: NotRequired[int]
    owner: NotRequired[str | None]
    leaseUntil: NotRequired[str | None]
    lastError: NotRequired[Annotated[str | None, NullIfEmpty]]
    gate: NotRequired[Annotated[str | None, NullIfEmpty]]
    gateWave: NotRequired[Annotated[str | None, NullIfEmpty]]
    gateAsks: NotRequired[Annotated[str | None, NullIfEmpty]]
    """What a person must decide there; null if nothing."""
    gateUntil: NotRequired[str | None]
    """When the gate changes if nothing happens; leaseUntil is its next poll."""
    decisions: NotRequired[list[Decision]]
    """What people decided at its gates; only in `queue show`."""
    outcome: NotRequired[RequestOutcome | None]
    failure: RequestFailure | None
    endedAt: NotRequired[str | None]
    leftOut: NotRequired[list[LeftOut]]
    openUntil: NotRequired[str | None]
    closedAt: NotRequired[str | None]
    waitsFor: NotRequired[Wait | None]


class Requests(TypedDict):
    """Requests, in the queue's order."""

    requests: list[Request]


class RequestNames(TypedDict):
    """The ids of requests that were changed."""

    requests: list[str]


class AttemptError(TypedDict):
    """Why a request was not deployed."""

    message: str
    exitCode: int


class Attempt(TypedDict):
    """A worker's attempt at a request."""

    request: Request
    recorded: bool
    waits: Annotated[str | None, NullIfEmpty]
    result: Deployment | None
    error: AttemptError | None


class Attempts(TypedDict):
    """A worker's attempts at its requests, and the requests that wait at gates when it ends."""

    requests: list[Attempt]
    waiting: NotRequired[list[Request]]


class Fetched(TypedDict):
    """A request whose files were fetched; null when nothing is to be deployed."""

    request: Request | None
    folder: str | None


class Table(TypedDict):
    """The queue's table."""

    table: str
    region: str
    created: bool
