"""The sections that become the policy of the job: rollout, abort, timeout, retry, schedule."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from otactl.model import limits
from otactl.model.configuration.kind import Choice, DecimalNumber, Switch, WholeNumber
from otactl.model.configuration.section import Section, key
from otactl.model.configuration.words import CRON, MOMENT, WINDOW_NAMES
from otactl.model.status import FailureType

_ROLLOUT = "iot:CreateJob jobExecutionsRolloutConfig"
_EXPONENTIAL = f"{_ROLLOUT}.exponentialRate"
_CRITERIA = "iot:CreateJob abortConfig.criteriaList[]"
_RETRY = "iot:CreateJob jobExecutionsRetryConfig.criteriaList[]"
_SCHEDULING = "iot:CreateJob schedulingConfig"


class EndBehavior(StrEnum):
    """What happens to a job at its end time (botocore ``iot`` JobEndBehavior)."""

    STOP_ROLLOUT = "STOP_ROLLOUT"
    CANCEL = "CANCEL"
    FORCE_CANCEL = "FORCE_CANCEL"


class RolloutSection(Section):
    """[JOB_EXECUTE_ROLLOUT_CONFIG]: how many things are notified of the job per minute."""

    maximum_per_minute: Annotated[
        int, WholeNumber(limits.MAXIMUM_PER_MINUTE, "things per minute")
    ] = key(
        "maximumPerMinute",
        about="The most things that are notified of the job per minute.",
        becomes=f"{_ROLLOUT}.maximumPerMinute",
        example="100",
    )
    use_exponential_rate: Annotated[bool, Switch()] = key(
        "useExponentialRateCfg",
        about=(
            "Whether the rate begins low and grows as [EXP_RATE_CONFIG] says. False or left out: "
            "that section is ignored."
        ),
        becomes=_EXPONENTIAL,
        example="True",
        default=False,
    )


class ExponentialRateSection(Section):
    """[EXP_RATE_CONFIG]: a rollout that begins slowly."""

    base_rate_per_minute: Annotated[
        int, WholeNumber(limits.BASE_RATE_PER_MINUTE, "things per minute")
    ] = key(
        "baseRatePerMinute",
        about="The rate at the start; it must be less than maximumPerMinute.",
        becomes=f"{_EXPONENTIAL}.baseRatePerMinute",
        example="10",
    )
    increment_factor: Annotated[float, DecimalNumber(limits.INCREMENT_FACTOR)] = key(
        "incrementFactor",
        about="By what the rate is multiplied each time the criterion is met again.",
        becomes=f"{_EXPONENTIAL}.incrementFactor",
        example="2.0",
    )
    use_criteria: Annotated[bool, Switch()] = key(
        "useRateIncreaseCriteria",
        about=(
            "Whether [INCREASE_CRITERIA] counts. The service wants the criterion with every "
            "exponential rate, so it must be True."
        ),
        becomes=f"{_EXPONENTIAL}.rateIncreaseCriteria",
        example="True",
        default=False,
    )


class IncreaseCriteriaSection(Section):
    """[INCREASE_CRITERIA]: when the rate grows. The service takes exactly one of the two keys."""

    number_of_notified_things: Annotated[
        int | None, WholeNumber(limits.INCREASE_THRESHOLD, "things")
    ] = key(
        "numberOfNotifiedThings",
        about="The rate grows each time N more things have been notified.",
        becomes=f"{_EXPONENTIAL}.rateIncreaseCriteria.numberOfNotifiedThings",
        example="15",
        default=None,
    )
    number_of_succeeded_things: Annotated[
        int | None, WholeNumber(limits.INCREASE_THRESHOLD, "things")
    ] = key(
        "numberOfSucceededThings",
        about="The rate grows each time N more things have succeeded.",
        becomes=f"{_EXPONENTIAL}.rateIncreaseCriteria.numberOfSucceededThings",
        default=None,
    )


class AbortSection(Section):
    """[ABORT_CONFIG]: which failures stop the job by themselves."""

    use_all: Annotated[bool, Switch()] = key(
        "useAllSubsection",
        about=(
            "Whether [ABORT_CONFIG_TYPE_ALL] counts: failures of every type together. When True, "
            "the other three are ignored."
        ),
        becomes=_CRITERIA,
        example="True",
        default=False,
    )
    use_failed: Annotated[bool, Switch()] = key(
        "useFailedSubsection",
        about="Whether [ABORT_CONFIG_TYPE_FAILED] counts: things that reported FAILED.",
        becomes=_CRITERIA,
        default=False,
    )
    use_rejected: Annotated[bool, Switch()] = key(
        "useRejectedSubsection",
        about="Whether [ABORT_CONFIG_TYPE_REJECTED] counts: things that reported REJECTED.",
        becomes=_CRITERIA,
        default=False,
    )
    use_timed_out: Annotated[bool, Switch()] = key(
        "useTimedOutSubsection",
        about="Whether [ABORT_CONFIG_TYPE_TIMED_OUT] counts: things that timed out.",
        becomes=_CRITERIA,
        default=False,
    )


class AbortTypeSection(Section):
    """[ABORT_CONFIG_TYPE_…]: one abort criterion."""

    failure_type: Annotated[FailureType | None, Choice(FailureType)] = key(
        "failureType",
        about="Which failures count. It can only be the type the section is named after.",
        becomes=f"{_CRITERIA}.failureType",
        example="",
        default=None,
    )
    threshold_percentage: Annotated[float, DecimalNumber(limits.ABORT_PERCENTAGE, "of percent")] = (
        key(
            "thresholdPercentage",
            about="The job is cancelled when failures reach this share of the executed things.",
            becomes=f"{_CRITERIA}.thresholdPercentage",
            example="11.0",
        )
    )
    min_number_of_executed_things: Annotated[
        int, WholeNumber(limits.ABORT_EXECUTED_THINGS, "things")
    ] = key(
        "minNumberOfExecutedThings",
        about="The share counts only when at least N things have finished.",
        becomes=f"{_CRITERIA}.minNumberOfExecutedThings",
        example="10",
    )


class TimeoutSection(Section):
    """[TIMEOUT_CONFIG]: how long a device may take."""

    in_progress_timeout_minutes: Annotated[
        int, WholeNumber(limits.IN_PROGRESS_TIMEOUT_MINUTES, "minutes")
    ] = key(
        "inProgressTimeoutInMinutes",
        about=(
            "The minutes a device has from the moment it reports IN_PROGRESS; then its execution "
            "is TIMED_OUT. A device that never begins never times out."
        ),
        becomes="iot:CreateJob timeoutConfig.inProgressTimeoutInMinutes",
        example="60",
    )


class RetrySection(Section):
    """[RETRY_CONFIG]: how often the service retries a thing that failed."""

    retries_all: Annotated[int | None, WholeNumber(limits.NUMBER_OF_RETRIES)] = key(
        "numberOfRetriesAll",
        about="Retries of executions that failed or timed out. It excludes the other two keys.",
        becomes=f"{_RETRY}.numberOfRetries, failureType ALL",
        example="2",
        default=None,
    )
    retries_failed: Annotated[int | None, WholeNumber(limits.NUMBER_OF_RETRIES)] = key(
        "numberOfRetriesFailed",
        about="Retries of executions that reported FAILED.",
        becomes=f"{_RETRY}.numberOfRetries, failureType FAILED",
        default=None,
    )
    retries_timed_out: Annotated[int | None, WholeNumber(limits.NUMBER_OF_RETRIES)] = key(
        "numberOfRetriesTimedOut",
        about="Retries of executions that timed out; needs [TIMEOUT_CONFIG].",
        becomes=f"{_RETRY}.numberOfRetries, failureType TIMED_OUT",
        default=None,
    )


class SchedulingSection(Section):
    """[SCHEDULING_CONFIG]: when the rollout begins and ends. Every time is UTC."""

    start_time: Annotated[str | None, MOMENT] = key(
        "startTime",
        about="When the rollout begins: at least 30 minutes and at most a year ahead, in UTC.",
        becomes=f"{_SCHEDULING}.startTime",
        example="2027-03-01 02:00",
        default=None,
    )
    end_time: Annotated[str | None, MOMENT] = key(
        "endTime",
        about="When the rollout ends: 30 minutes to two years after startTime, in UTC.",
        becomes=f"{_SCHEDULING}.endTime",
        example="2027-03-08 02:00",
        default=None,
    )
    end_behavior: Annotated[EndBehavior | None, Choice(EndBehavior)] = key(
        "endBehavior",
        about=(
            "What happens at endTime to things that are not done: STOP_ROLLOUT notifies no more "
            "things, CANCEL cancels what is queued, FORCE_CANCEL also what is in progress."
        ),
        becomes=f"{_SCHEDULING}.endBehavior",
        example="STOP_ROLLOUT",
        default=None,
    )
    maintenance_windows: Annotated[tuple[str, ...], WINDOW_NAMES] = key(
        "maintenanceWindowList",
        about=(
            "The names of the windows the rollout keeps to, for CONTINUOUS jobs only. Each has "
            "its section [MAINTENANCE_WINDOW_<window_name>]."
        ),
        becomes=f"{_SCHEDULING}.maintenanceWindows",
        default=(),
    )


class MaintenanceWindowSection(Section):
    """[MAINTENANCE_WINDOW_…]: one repeated window."""

    start_time: Annotated[str, CRON] = key(
        "startTime",
        about="When the window opens, as a cron expression in UTC; it must open before endTime.",
        becomes=f"{_SCHEDULING}.maintenanceWindows[].startTime",
        example="cron(0 2 ? * MON *)",
    )
    duration_minutes: Annotated[int, WholeNumber(limits.WINDOW_MINUTES, "minutes")] = key(
        "durationInMinutes",
        about="How long the window stays open.",
        becomes=f"{_SCHEDULING}.maintenanceWindows[].durationInMinutes",
        example="120",
    )
