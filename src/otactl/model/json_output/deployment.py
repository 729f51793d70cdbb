"""What ``--output json`` says of deployments: their plan, result, report, history and progress.

Times are ISO 8601 in UTC unless stated otherwise; unknown values are null.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.gate import Gate, ThingVersion, Verified
from otactl.model.json_output.shaping import Digits, Moment, NullIfEmpty, Of


class Failure(TypedDict):
    """A thing that did not succeed."""

    thing: str
    status: str
    reason: str


class DownloadTimes(TypedDict):
    """Percentiles of what the devices reported, in seconds."""

    p50: float | None
    p99: float | None
    max: float | None


class Round(TypedDict):
    """The result of one round; counts are things."""

    round: int
    status: str
    succeeded: int
    failed: int
    rejected: int
    timedOut: int
    canceled: int
    removed: int
    queued: int
    inProgress: int
    notReached: int
    notReachedThings: list[str]
    unknown: int
    durationSeconds: Annotated[float, Digits(3)]
    downloadSeconds: DownloadTimes
    failures: list[Failure]


class WaveCounts(TypedDict):
    """Things of a wave."""

    ended: int
    succeeded: int
    failed: int
    notReached: int


class Wave(Verified):
    """The result of one wave."""

    wave: Annotated[str, Of("name")]
    jobId: str
    things: int
    counts: WaveCounts
    beganAfterStop: list[str]
    gate: Gate | None


class Deployment(Verified):
    """The result of a deployment."""

    jobId: str
    things: int
    rounds: list[Round]
    succeeded: int
    failed: int
    imageSha256: str
    apiCalls: dict[str, int]
    leftovers: list[str]
    kept: list[str]
    goesOn: bool
    deploymentId: str
    complete: bool
    waves: list[Wave]
    rollbacks: list[Deployment]


class Rehearsal(Deployment):
    """The result of a rehearsal."""

    verifiedSha256: int
    """Downloads whose SHA-256, computed by the virtual devices, is the image's."""
    lateSeconds: Annotated[float, Digits(3)]
    """How late this machine was at the worst, by the rehearsal's clock."""


class PlannedWave(TypedDict):
    """A wave of a plan."""

    wave: Annotated[str, Of("name")]
    jobId: str
    size: str
    things: int
    thingsSha256: str
    group: Annotated[str | None, NullIfEmpty]


class PlannedStep(TypedDict):
    """A step of a plan, with the AWS calls that do it and that undo it."""

    key: str
    does: Annotated[str, Of("title")]
    creates: Annotated[str | None, Of("resource")]
    calls: dict[str, int]
    undoCalls: dict[str, int]


class SummaryTargets(TypedDict):
    """The things that are updated, and their account."""

    things: int
    listed: int
    groups: list[str]
    selection: str
    account: str
    region: str


class SummaryTimeout(TypedDict):
    """When a thing in progress times out."""

    inProgressMinutes: int | None


class SummaryCost(TypedDict):
    """What it costs if every thing succeeds at its first attempt."""

    usd: Annotated[float, Of("total"), Digits(6)]
    items: dict[str, float]
    executions: int
    messages: int
    pricesRead: str


class Summary(TypedDict):
    """The settings that limit how much harm a bad image can do."""

    targets: SummaryTargets
    rate: dict[str, Any] | None
    abort: list[dict[str, Any]]
    timeout: SummaryTimeout
    cost: SummaryCost


class LeftOut(TypedDict):
    """A thing of the thing list that gets no image."""

    thing: str
    reason: str
    version: str | None
    detail: Annotated[str | None, NullIfEmpty]


class PlanSteps(TypedDict):
    """The plan as the journal stores it."""

    deploymentId: str
    source: str
    region: str
    account: str
    jobId: str
    imageSha256: str
    rollbackOf: Annotated[str | None, NullIfEmpty]
    things: int
    leftOut: list[LeftOut]
    rounds: Annotated[int, Of("repeats")]
    waves: list[PlannedWave]
    cleanUp: bool
    fingerprint: str
    steps: list[PlannedStep]
    apiCalls: Annotated[dict[str, int], Of("calls")]


class LintFinding(TypedDict):
    """A finding of the linter."""

    code: str
    severity: str
    section: str
    key: str
    message: str
    safe: str
    page: str
    switchedOff: Annotated[bool, Of("is_off")]
    waived: str | None
    line: NotRequired[int | None]


class Plan(PlanSteps):
    """What a deployment would do."""

    summary: Summary
    findings: list[LintFinding]
    wavesThings: NotRequired[dict[str, list[str]]]


class Execution(TypedDict):
    """An execution; times are epoch milliseconds."""

    thing: str
    status: str
    executionNumber: int
    queuedAt: int | None
    startedAt: int | None
    lastUpdatedAt: int | None
    statusDetails: dict[str, str]
    round: NotRequired[int]


class Decision(TypedDict):
    """What a person decided at a gate."""

    decision: Annotated[str, Of("act")]
    wave: Annotated[str | None, NullIfEmpty]
    answers: str | None
    comment: str
    identity: str
    host: str
    at: Annotated[str, Of("at_ms"), Moment]
    deploymentId: NotRequired[str]
    request: NotRequired[str]


class ReportRound(TypedDict):
    """A round of a report."""

    round: int
    status: str
    counts: dict[str, int]
    durationSeconds: float | None


class Report(TypedDict):
    """The result of a deployment, with every execution."""

    schemaVersion: int
    deploymentId: str | None
    jobId: str
    madeAt: str
    createdAt: str
    region: str
    account: str
    rehearsal: bool
    running: bool
    succeeded: Annotated[bool, Of("is_success")]
    failure: Annotated[str | None, NullIfEmpty]
    things: int
    imageSha256: Annotated[str | None, NullIfEmpty]
    imageBytes: int | None
    apiCalls: dict[str, int]
    notes: list[str]
    waves: list[Wave]
    leftOut: list[LeftOut]
    decisions: list[Decision]
    rounds: list[ReportRound]
    executions: list[Execution]
    #: Every thing that ended, with its verdict; only where versions are verified.
    versions: NotRequired[list[ThingVersion]]


class HistoryWave(TypedDict):
    """A wave of a stored deployment."""

    wave: str
    verdict: str | None


class HistoryEntry(TypedDict):
    """A deployment of this machine."""

    deploymentId: str
    jobId: str
    rollbackOf: Annotated[str | None, NullIfEmpty]
    rollbacks: list[str]
    rehearsal: bool
    file: str
    createdAt: str
    things: int
    rounds: Annotated[int, Of("repeats")]
    waves: list[HistoryWave]
    roundsDone: int
    state: str
    outcome: str | None
    failure: str | None
    summary: str
    account: str
    region: str


class DamagedJournal(TypedDict):
    """A journal that cannot be read."""

    deploymentId: str
    problem: str


class History(TypedDict):
    """The deployments of this machine, the newest first."""

    deployments: list[HistoryEntry]
    damaged: list[DamagedJournal]


class Cleaned(TypedDict):
    """What a clean-up deleted."""

    deploymentId: str
    deleted: Annotated[list[str], Of("undone")]
    leftovers: list[str]


class Cancelled(TypedDict):
    """A job, or its execution on one thing, that was cancelled."""

    jobId: str
    thing: str | None
    force: bool
    cancelled: bool
