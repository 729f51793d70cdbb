"""What the keys of the job's policy require of each other: rollout, abort, retry, schedule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding, Rule, forbid, keys
from otactl.model.configuration.sections import SECTIONS, KeyName
from otactl.model.job_configuration import MaintenanceWindow
from otactl.model.status import FailureType, TargetSelection

#: Any eight years have a 29 February.
_EIGHT_YEARS = timedelta(days=8 * 366)
_MINUTE = timedelta(minutes=1)


def _type_is(fixed: FailureType, section: str) -> Rule:
    """The section's name says the type; another one in it can only be a mistake."""

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


def _schedule_lasts(end: str | None, start: str | None) -> Finding | None:
    """From start to end: 30 minutes to two years (facts A6)."""
    if start is None or end is None:
        return None
    lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    if lasts < timedelta(minutes=limits.SCHEDULE_SHORTEST_MINUTES):
        shortest = f"{limits.SCHEDULE_SHORTEST_MINUTES} minutes"
        return Finding("range", f"must be at least {shortest} after startTime")
    if lasts > timedelta(days=limits.SCHEDULE_LONGEST_DAYS):
        return Finding("range", "must be at most two years after startTime")
    return None


def schedule_rules(windows: Iterable[str], now_ms: int) -> tuple[Rule, ...]:
    """What the current time requires of a schedule and its maintenance windows.

    Both times lie 30 minutes ahead at least; the start a year, the end two years at most. Each
    window opens before the end; 30 February never comes.

    Args:
        windows: Their names.
        now_ms: Epoch milliseconds.
    """
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC).replace(tzinfo=None)
    times = ("SCHEDULING_CONFIG.startTime", "SCHEDULING_CONFIG.endTime")

    def is_ahead(key: str, furthest_days: int) -> Rule:
        def check(moment: str | None) -> Finding | None:
            if moment is None:
                return None
            ahead = datetime.fromisoformat(moment) - now
            if ahead < timedelta(minutes=limits.SCHEDULE_LEAD_MINUTES):
                return Finding(
                    "range",
                    f"must be at least {limits.SCHEDULE_LEAD_MINUTES} minutes ahead; it is "
                    f"{now:%Y-%m-%d %H:%M} UTC now",
                )
            if ahead > timedelta(days=furthest_days):
                return Finding("range", f"must be at most {furthest_days} days ahead")
            return None

        return Rule(keys(key), check)

    def opens(cron: str, minutes: int, start: str | None, end: str | None) -> Finding | None:
        window = MaintenanceWindow(start_time=cron, duration_minutes=minutes)
        first = now.replace(second=0, microsecond=0)
        if start is not None:
            first = max(first, datetime.fromisoformat(start))
        ends = None if end is None else datetime.fromisoformat(end)
        if first > now + _EIGHT_YEARS or (ends is not None and ends <= first):
            return None  # a start that is too far ahead, or an end in the past, has its own rule
        # At endTime itself the rollout is over (facts A6).
        furthest = first + _EIGHT_YEARS
        last = min(furthest, ends or furthest) - _MINUTE
        if any(True for _ in window.openings(first, last)):
            return None
        within = f"before endTime, {end}" if end else "in the next eight years"
        return Finding("never", f"{cron} does not open {within}")

    sections = (f"MAINTENANCE_WINDOW_{name}" for name in windows)
    return (
        is_ahead(times[0], limits.SCHEDULE_FURTHEST_START_DAYS),
        is_ahead(times[1], limits.SCHEDULE_LONGEST_DAYS),
        *(
            Rule(keys(f"{section}.startTime", f"{section}.durationInMinutes", *times), opens)
            for section in sections
        ),
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
        "counts every failure already; the service takes it only by itself",
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
    forbid(
        keys(
            "SCHEDULING_CONFIG.startTime",
            "SCHEDULING_CONFIG.endTime",
            "SCHEDULING_CONFIG.maintenanceWindowList",
        ),
        lambda start, end, windows: start is None and end is None and not windows,
        "neither it nor endTime or maintenanceWindowList is given",
        hint="or write useSchedulingConfig = False",
    ),
    Rule(keys("SCHEDULING_CONFIG.endTime", "SCHEDULING_CONFIG.startTime"), _schedule_lasts),
    # The service ignores endBehavior without endTime (facts A6).
    forbid(
        keys("SCHEDULING_CONFIG.endBehavior", "SCHEDULING_CONFIG.endTime"),
        lambda behavior, end: behavior is not None and end is None,
        "has no effect without endTime",
        severity=Severity.WARNING,
        code="never",
    ),
    # Maintenance windows are refused for SNAPSHOT jobs (facts A6).
    forbid(
        keys("SCHEDULING_CONFIG.maintenanceWindowList", "DEFAULT.targetSelection"),
        lambda windows, selection: windows and selection is not TargetSelection.CONTINUOUS,
        "needs targetSelection = CONTINUOUS; the service refuses it for SNAPSHOT jobs",
    ),
)
