"""What the keys of the job's policy require of each other: rollout, abort, retry."""

from __future__ import annotations

from collections.abc import Callable

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, keys
from otactl.model.configuration.sections import SECTIONS, KeyName
from otactl.model.status import FailureType


def base_is_below_maximum(base: int, maximum: int) -> Finding | None:
    """The service wants the base rate below the maximum (facts B, M2)."""
    if base >= maximum:
        return Finding(
            code="requires",
            message=f"must be less than maximumPerMinute ({maximum}), found {base}",
            hint="the manual's sample has 100 for both: see M2 in docs/reference/dev-ini.md",
        )
    return None


def rate_needs_criteria(use_criteria: bool) -> Finding | None:  # noqa: FBT001  # a value of the file
    """RateIncreaseCriteria is required in an exponential rate (facts B, M3)."""
    if not use_criteria:
        return Finding(
            code="requires",
            message="must be True: the service wants a criterion with every exponential rate",
            hint="or write useExponentialRateCfg = False: see M3 in docs/reference/dev-ini.md",
        )
    return None


def criteria_is_one(notified: int | None, succeeded: int | None) -> Finding | None:
    """The service takes exactly one of the two numbers (facts B1, M1)."""
    if notified is not None and succeeded is not None:
        return Finding(
            code="exclusive",
            message=(
                "numberOfNotifiedThings and numberOfSucceededThings are both given; the service "
                "takes exactly one"
            ),
            hint="write None for one of them: see M1 in docs/reference/dev-ini.md",
        )
    if notified is None and succeeded is None:
        return Finding(
            code="requires",
            message=(
                "neither it nor numberOfSucceededThings is given; the service takes exactly one"
            ),
        )
    return None


def abort_has_a_type(*switches: bool) -> Finding | None:
    """At least one failure type must count (the manual; AbortCriteriaList has at least one)."""
    if not any(switches):
        return Finding(
            code="requires",
            message=(
                "neither it nor useFailedSubsection, useRejectedSubsection or "
                "useTimedOutSubsection is True, so nothing would abort the job"
            ),
            hint="or write useAbortConfig = False",
        )
    return None


def _type_is(fixed: FailureType) -> Callable[[FailureType | None], Finding | None]:
    def failure_type_is_of_the_section(failure_type: FailureType | None) -> Finding | None:
        """The section's name says the type; another one in it can only be a slip."""
        if failure_type in (None, fixed):
            return None
        return Finding(
            code="requires",
            message=f"must be {fixed}, as the section is named, found {failure_type}",
            hint=f"[ABORT_CONFIG_TYPE_{failure_type}] is the section for it",
        )

    return failure_type_is_of_the_section


def timed_out_abort_needs_timeout(_type: object, use_timeout: bool) -> Finding | None:  # noqa: FBT001  # a value of the file
    """Without a timeout nothing ever is TIMED_OUT (facts D)."""
    if not use_timeout:
        return Finding(
            code="never",
            message="nothing ever times out while useTimeoutConfig is False",
            hint="add [TIMEOUT_CONFIG] and write useTimeoutConfig = True",
            severity=Severity.WARNING,
        )
    return None


def retries_fit(
    retries_all: int | None, failed: int | None, timed_out: int | None
) -> Finding | None:
    """One to two criteria, ALL by itself, ten retries together (facts D)."""
    if retries_all is None and failed is None and timed_out is None:
        return Finding(
            code="requires",
            message="neither it nor numberOfRetriesFailed or numberOfRetriesTimedOut is given",
            hint="or write useRetryConfig = False",
        )
    if retries_all is not None and (failed is not None or timed_out is not None):
        return Finding(
            code="exclusive",
            message="counts every failure already; the service takes it by itself alone",
            hint="leave out numberOfRetriesFailed and numberOfRetriesTimedOut",
        )
    total = (failed or 0) + (timed_out or 0)
    if total > limits.NUMBER_OF_RETRIES.maximum:
        return Finding(
            code="range",
            message=(
                f"numberOfRetriesFailed and numberOfRetriesTimedOut are {total} together; the "
                f"service takes {limits.NUMBER_OF_RETRIES.maximum}"
            ),
        )
    return None


def timed_out_retries_need_timeout(retries: int | None, use_timeout: bool) -> Finding | None:  # noqa: FBT001  # a value of the file
    """Retries of TIMED_OUT need a timeout (facts D)."""
    if retries is not None and not use_timeout:
        return Finding(
            code="requires",
            message="needs [TIMEOUT_CONFIG] and useTimeoutConfig = True",
            hint="without a timeout nothing ever times out",
        )
    return None


JOB_RULES: tuple[Rule, ...] = (
    Rule(
        keys("EXP_RATE_CONFIG.baseRatePerMinute", "JOB_EXECUTE_ROLLOUT_CONFIG.maximumPerMinute"),
        base_is_below_maximum,
    ),
    Rule(keys("EXP_RATE_CONFIG.useRateIncreaseCriteria"), rate_needs_criteria),
    Rule(
        keys(
            "INCREASE_CRITERIA.numberOfNotifiedThings", "INCREASE_CRITERIA.numberOfSucceededThings"
        ),
        criteria_is_one,
    ),
    Rule(
        keys(
            "ABORT_CONFIG.useAllSubsection",
            "ABORT_CONFIG.useFailedSubsection",
            "ABORT_CONFIG.useRejectedSubsection",
            "ABORT_CONFIG.useTimedOutSubsection",
        ),
        abort_has_a_type,
    ),
    *(
        Rule((KeyName(spec.name, "failureType"),), _type_is(spec.fixed_type))
        for spec in SECTIONS
        if spec.fixed_type is not None
    ),
    Rule(
        keys("ABORT_CONFIG_TYPE_TIMED_OUT.failureType", "DEFAULT.useTimeoutConfig"),
        timed_out_abort_needs_timeout,
    ),
    Rule(
        keys(
            "RETRY_CONFIG.numberOfRetriesAll",
            "RETRY_CONFIG.numberOfRetriesFailed",
            "RETRY_CONFIG.numberOfRetriesTimedOut",
        ),
        retries_fit,
    ),
    Rule(
        keys("RETRY_CONFIG.numberOfRetriesTimedOut", "DEFAULT.useTimeoutConfig"),
        timed_out_retries_need_timeout,
    ),
)
