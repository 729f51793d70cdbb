"""What a monitor computes for a running job beyond AWS's counts: pace, ETA, failures and more.

Plain values; ``monitor`` computes them, ``views`` show them. Rates are per minute, durations in
seconds, instants in epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from otactl.model.status import ExecutionStatus, FailureType


class Source(StrEnum):
    """Where the monitor's data come from."""

    POLLING = "polling"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a job goes, over the window before now.

    Attributes:
        notified_per_minute: Executions created.
        finished_per_minute: Executions that reached a terminal status.
        window_seconds: The length of the window; shorter than configured while the job is young.
        finished: Executions that ended within the window: the basis of the estimate.
    """

    notified_per_minute: float
    finished_per_minute: float
    window_seconds: float
    finished: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """The remaining time in seconds: a range that holds nine times out of ten, and a middle.

    Attributes:
        high_seconds: None if the data are too few for an upper bound.
    """

    low_seconds: float
    likely_seconds: float
    high_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Percentiles by nearest rank of what devices reported; of ``count`` devices."""

    count: int = 0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Things that failed for the same reason.

    Attributes:
        reason: In the device's words; numbers that differ from thing to thing become ``#``.
        examples: The names of a few of them.
    """

    status: ExecutionStatus
    reason: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentThing:
    """A thing that is IN_PROGRESS and has not reported for longer than the limit."""

    thing_name: str
    silent_seconds: float
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutProgress:
    """How fast AWS notifies things now, and when it will go faster.

    Attributes:
        rate_per_minute: The upper limit now.
        maximum_per_minute: What the rate can grow to.
        missing_for_raise: How many more things must be counted before the next increase; None if
            no increase follows.
        counts_successes: Whether succeeded things are counted instead of notified ones.
    """

    rate_per_minute: int
    maximum_per_minute: int
    missing_for_raise: int | None = None
    counts_successes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortProgress:
    """How far one abort criterion is from cancelling the job.

    Attributes:
        failed: Executions that ended in a status it counts.
        executed: All executions that ended.
        missing_executions: How many more must end before it is evaluated.
        missing_failures: How many more failures in a row would meet it; 0 if it is met, None
            if no number of them would.
    """

    failure_type: FailureType
    threshold_percentage: float
    min_number_of_executed_things: int
    failed: int
    executed: int
    missing_executions: int
    missing_failures: int | None

    @property
    def percentage(self) -> float:
        """The share of failures so far, 0 to 100."""
        return 100 * self.failed / self.executed if self.executed else 0.0


class AlarmState(StrEnum):
    """The state of a CloudWatch alarm (botocore ``cloudwatch`` StateValue), or MISSING."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmProgress:
    """An alarm of the deployment as CloudWatch has it."""

    name: str
    state: AlarmState
    since_ms: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundSummary:
    """A round that is over: things by status, and how long it took."""

    round: int
    status: str
    counts: Mapping[ExecutionStatus, int]
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsProgress:
    """Which round of a deployment is under way."""

    current: int
    planned: int
    done: tuple[RoundSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedThing:
    """A thing that the monitor follows in detail.

    Attributes:
        status: None while it has no execution of the job.
        step: The step it reports: ``downloading``.
        received_blocks, total_blocks: Of the download; None if not reported.
        silent_after_seconds: Since its last report; None if it never reported.
        heard: The last of its MQTT messages that was received, in words; AWS shows few of them.
        heard_ms: When that was.
        connected: Whether it is connected to the broker; None if unknown.
        status_details: All that it reported last.
    """

    thing_name: str
    status: ExecutionStatus | None = None
    step: str = ""
    received_blocks: int | None = None
    total_blocks: int | None = None
    silent_after_seconds: float | None = None
    heard: str = ""
    heard_ms: int | None = None
    connected: bool | None = None
    status_details: Mapping[str, str] = field(default_factory=dict)
