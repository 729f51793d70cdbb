"""What the keys of the job's policy require of each other: rollout, abort, retry."""

from __future__ import annotations

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, forbid, keys
from otactl.model.configuration.sections import SECTIONS, KeyName
from otactl.model.status import FailureType


def _type_is(fixed: FailureType, section: str) -> Rule:
    """The section's name says the type; another one in it can only be a slip."""

    def check(failure_type: FailureType | None) -> Finding | None:
        if failure_type in (None, fixed):
            return None
        return Finding(
            "requires",
            f"must be {fixed}, as the section is named, found {failure_type}",
            hint=f"[ABORT_CONFIG_TYPE_{failure_type}] is the section for it",
        )

    return Rule((KeyName(section, "failureType"),), check)


def _retries_fit(of_all: int | None, *others: int | None) -> Finding | None:
    """Ten retries together (facts D)."""
    total = sum(number or 0 for number in others)
    if of_all is not None or total <= limits.NUMBER_OF_RETRIES.maximum:
        return None
    return Finding(
        "range",
        f"numberOfRetriesFailed and numberOfRetriesTimedOut are {total} together; the "
        f"service takes {limits.NUMBER_OF_RETRIES.maximum}",
    )


_INCREASE = keys(
    "INCREASE_CRITERIA.numberOfNotifiedThings", "INCREASE_CRITERIA.numberOfSucceededThings"
)
_RETRIES = keys(
    "RETRY_CONFIG.numberOfRetriesAll",
    "RETRY_CONFIG.numberOfRetriesFailed",
    "RETRY_CONFIG.numberOfRetriesTimedOut",
)

JOB_RULES: tuple[Rule, ...] = (
    # The service wants the base rate below the maximum (facts B, M2).
    forbid(
        keys("EXP_RATE_CONFIG.baseRatePerMinute", "JOB_EXECUTE_ROLLOUT_CONFIG.maximumPerMinute"),
        lambda base, maximum: base >= maximum,
        "must be less than maximumPerMinute ({1}), found {0}",
        hint="the manual's sample has 100 for both: see M2 in docs/reference/dev-ini.md",
    ),
    # RateIncreaseCriteria is required in an exponential rate (facts B, M3).
    forbid(
        keys("EXP_RATE_CONFIG.useRateIncreaseCriteria"),
        lambda use_criteria: not use_criteria,
        "must be True: the service wants a criterion with every exponential rate",
        hint="or write useExponentialRateCfg = False: see M3 in docs/reference/dev-ini.md",
    ),
    # The service takes exactly one of the two numbers (facts B1, M1).
    forbid(
        _INCREASE,
        lambda notified, succeeded: notified is not None and succeeded is not None,
        "numberOfNotifiedThings and numberOfSucceededThings are both given; the service "
        "takes exactly one",
        hint="write None for one of them: see M1 in docs/reference/dev-ini.md",
        code="exclusive",
    ),
    forbid(
        _INCREASE,
        lambda notified, succeeded: notified is None and succeeded is None,
        "neither it nor numberOfSucceededThings is given; the service takes exactly one",
    ),
    # At least one failure type must count (the manual; AbortCriteriaList has at least one).
    forbid(
        keys(
            "ABORT_CONFIG.useAllSubsection",
            "ABORT_CONFIG.useFailedSubsection",
            "ABORT_CONFIG.useRejectedSubsection",
            "ABORT_CONFIG.useTimedOutSubsection",
        ),
        lambda *switches: not any(switches),
        "neither it nor useFailedSubsection, useRejectedSubsection or "
        "useTimedOutSubsection is True, so nothing would abort the job",
        hint="or write useAbortConfig = False",
    ),
    *(_type_is(spec.fixed_type, spec.name) for spec in SECTIONS if spec.fixed_type is not None),
    # Without a timeout nothing ever is TIMED_OUT (facts D).
    forbid(
        keys("ABORT_CONFIG_TYPE_TIMED_OUT.failureType", "DEFAULT.useTimeoutConfig"),
        lambda _type, use_timeout: not use_timeout,
        "nothing ever times out while useTimeoutConfig is False",
        hint="add [TIMEOUT_CONFIG] and write useTimeoutConfig = True",
        severity=Severity.WARNING,
        code="never",
    ),
    # One to two criteria, ALL by itself (facts D).
    forbid(
        _RETRIES,
        lambda *retries: all(number is None for number in retries),
        "neither it nor numberOfRetriesFailed or numberOfRetriesTimedOut is given",
        hint="or write useRetryConfig = False",
    ),
    forbid(
        _RETRIES,
        lambda of_all, *others: of_all is not None and others != (None, None),
        "counts every failure already; the service takes it by itself alone",
        hint="leave out numberOfRetriesFailed and numberOfRetriesTimedOut",
        code="exclusive",
    ),
    Rule(_RETRIES, _retries_fit),
    forbid(
        keys("RETRY_CONFIG.numberOfRetriesTimedOut", "DEFAULT.useTimeoutConfig"),
        lambda retries, use_timeout: retries is not None and not use_timeout,
        "needs [TIMEOUT_CONFIG] and useTimeoutConfig = True",
        hint="without a timeout nothing ever times out",
    ),
)
