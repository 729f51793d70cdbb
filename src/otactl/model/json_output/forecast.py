"""What ``--output json`` says of forecasts, findings and profiles."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.deployment import LintFinding
from otactl.model.json_output.shaping import Digits, NullIfEmpty


class Band(TypedDict):
    """5% quantile, median and 95% quantile over the runs; null is infinite."""

    p5: float | None
    median: float | None
    p95: float | None


class Series(TypedDict):
    """A band at each point of a curve."""

    p5: list[float]
    median: list[float]
    p95: list[float]


class AbortProbability(TypedDict):
    """An abort criterion, and how often it was met."""

    failureType: str
    thresholdPercentage: float
    minNumberOfExecutedThings: int
    probability: float


class Abort(TypedDict):
    """Whether and when the job is aborted; counts are of the runs that were."""

    probability: float
    criteria: list[AbortProbability]
    seconds: Band | None
    notified: Band | None
    executed: Band | None
    failed: Band | None
    bricked: Band | None


class Bricked(TypedDict):
    """Things that a bad image leaves bricked."""

    total: Band
    withoutAbort: Band


class Traffic(TypedDict):
    """What is transferred."""

    downloads: Band
    bytes: Band
    peakBytesPerSecond: Band
    mqttMessages: Band


class Forecast(TypedDict):
    """How a rollout goes."""

    name: str
    things: int
    imageBytes: int
    runs: int
    seed: int
    horizonDays: float
    notes: list[str]
    abort: Abort
    bricked: Bricked
    byStatus: dict[str, Band]
    durationSeconds: Band
    endsProbability: float
    finishedSeconds: dict[str, Band]
    """By the percentage of things that have finished."""
    traffic: Traffic
    apiCalls: dict[str, Band]
    costUsd: dict[str, Band | str]
    """By item; ``pricesRead`` is the date of the prices."""
    curves: dict[str, Series | list[int]]
    """``minutes`` is the time axis."""
    compared: NotRequired[list[Forecast | WavesForecast]]


class ForecastWave(TypedDict):
    """What the gate of a wave says."""

    wave: str
    things: int
    passProbability: float
    failProbability: float
    inconclusiveProbability: float
    refusedProbability: float
    """How often AWS does not take its job, since ``endTime`` is too near; inconclusive."""
    needsApproval: bool
    gateSeconds: Band | None


class WayBack(TypedDict):
    """What ``onGateFailure = rollback`` does in the runs that a gate stops."""

    things: Band | None
    """How many get back what they had."""
    seconds: Band | None
    """From the failed gate until the last gate of the rollback passes."""
    failProbability: float


class WavesForecast(TypedDict):
    """How a deployment in waves goes."""

    name: str
    things: int
    imageBytes: int
    runs: int
    seed: int
    notes: list[str]
    waves: list[ForecastWave]
    approvalSeconds: float
    """How long a person is taken to need for each approval; it is in every time."""
    endSeconds: Band
    stopProbability: float
    notified: Band | None
    bricked: Band | None
    notifiedWhenStopped: Band | None
    brickedWhenStopped: Band | None
    rollback: WayBack | None
    compared: NotRequired[list[Forecast | WavesForecast]]


class Goal(TypedDict):
    """What ``--suggest`` looks for."""

    withinSeconds: float
    maxBricked: int
    failureRate: float
    finishPercent: float
    falseAlarm: float


class Growth(TypedDict, total=False):
    """How a rollout becomes faster."""

    baseRatePerMinute: int
    incrementFactor: float
    numberOfSucceededThings: int | None


class Setting(Growth):
    """A rollout and an abort criterion, by the keys of a ``dev.ini``."""

    maximumPerMinute: int | None
    failureType: str
    thresholdPercentage: float
    minNumberOfExecutedThings: int


class TradeOff(TypedDict):
    """How quick, and how many things a bad image bricks at that."""

    finishedSeconds: Annotated[int, Digits(0)]
    bricked: Band
    setting: Setting


class Suggestion(TypedDict):
    """What ``--suggest`` found."""

    goal: Goal
    found: bool
    setting: Setting | None
    ini: str | None
    binds: Annotated[str | None, NullIfEmpty]
    finishedSeconds: Band | None
    bricked: Band | None
    falseAlarm: float | None
    curve: list[TradeOff]


class Lint(TypedDict):
    """What the linter finds in a file."""

    file: str
    things: int
    errors: int
    warnings: int
    notes: int
    findings: list[LintFinding]


class LintOfFiles(TypedDict):
    """What it finds in several."""

    files: list[Lint]


class Estimate(TypedDict):
    """A value with its 95% confidence interval and the number of observations."""

    value: float
    low: float
    high: float
    count: int


class Profile(TypedDict):
    """A profile fitted to a past deployment."""

    estimates: dict[str, Estimate]
    notes: list[str]
