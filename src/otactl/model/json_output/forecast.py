"""What ``--output json`` says of forecasts, findings and profiles."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.deployment import LintFinding
from otactl.model.json_output.shaping import Digits, NullIfEmpty, Of


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
    """Whether and when the job is aborted; counts are of the aborted runs."""

    probability: Annotated[float, Of("abort_probability")]
    criteria: list[AbortProbability]
    seconds: Annotated[Band | None, Of("abort_seconds")]
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
    """The forecast of a rollout."""

    name: str
    things: Annotated[int, Of("scenario.things")]
    imageBytes: Annotated[int, Of("scenario.image_bytes")]
    runs: Annotated[int, Of("scenario.runs")]
    seed: Annotated[int, Of("scenario.seed")]
    horizonDays: Annotated[float, Of("scenario.horizon_days")]
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
    """The forecast of the gate of a wave."""

    wave: Annotated[str, Of("name")]
    things: int
    passProbability: float
    failProbability: float
    inconclusiveProbability: float
    refusedProbability: float
    """How often AWS refuses its job because ``endTime`` is too near; then it is inconclusive."""
    needsApproval: Annotated[bool, Of("rule.needs_approval")]
    gateSeconds: Band | None


class WayBack(TypedDict):
    """What ``onGateFailure = rollback`` does in the runs that a gate stops."""

    things: Annotated[Band | None, Of("taken_back")]
    """How many things get their former version back."""
    seconds: Annotated[Band | None, Of("way_back_seconds")]
    """From the failed gate until the last gate of the rollback passes."""
    failProbability: Annotated[float, Of("way_back_failed")]


class WavesForecast(TypedDict):
    """The forecast of a deployment in waves."""

    name: str
    things: Annotated[int, Of("scenario.things")]
    imageBytes: Annotated[int, Of("scenario.image_bytes")]
    runs: Annotated[int, Of("scenario.runs")]
    seed: Annotated[int, Of("scenario.seed")]
    notes: list[str]
    waves: list[ForecastWave]
    approvalSeconds: float
    """The assumed time that a person needs for each approval; every duration includes it."""
    endSeconds: Band
    stopProbability: float
    notified: Band | None
    bricked: Band | None
    notifiedWhenStopped: Band | None
    brickedWhenStopped: Band | None
    rollback: WayBack | None
    compared: NotRequired[list[Forecast | WavesForecast]]


class Goal(TypedDict):
    """The goal of ``--suggest``."""

    withinSeconds: float
    maxBricked: int
    failureRate: float
    finishPercent: float
    falseAlarm: float


class Setting(TypedDict):
    """A rollout and an abort criterion, by the keys of a ``dev.ini``."""

    maximumPerMinute: Annotated[int | None, Of("rollout.maximum_per_minute")]
    baseRatePerMinute: NotRequired[int]
    incrementFactor: NotRequired[float]
    numberOfSucceededThings: NotRequired[int | None]
    failureType: Annotated[str, Of("criterion.failure_type")]
    thresholdPercentage: Annotated[float, Of("criterion.threshold_percentage")]
    minNumberOfExecutedThings: Annotated[int, Of("criterion.min_number_of_executed_things")]


class TradeOff(TypedDict):
    """A duration, and how many things a bad image bricks at that speed."""

    finishedSeconds: Annotated[int, Digits(0)]
    bricked: Band
    setting: Setting


class Suggestion(TypedDict):
    """The result of ``--suggest``."""

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
    """What the linter finds in several files."""

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
