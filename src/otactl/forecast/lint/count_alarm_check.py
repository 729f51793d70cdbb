"""Alarms on counts of executions: does a healthy fleet set them off, as it trips a criterion?

A healthy fleet fails a little, so an alarm on the first failure stops a good image: the rule of
OTA102, for metrics. The executions that end in a period are those notified in one, for the share
that is connected; their number in one status is a Poisson variable. ``model.alarm`` has what an
alarm counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import FEW_THINGS, LIKELY, TOLERABLE
from otactl.forecast.lint.finding import Finding, chance, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.alarm import Alarm, AlarmType, Statistic
from otactl.model.status import FailureType

_MINUTE_SECONDS = 60


def healthy_counts(context: LintContext, alarm: Alarm) -> Iterator[Finding]:
    """OTA604 for an alarm on a count of executions."""
    share = _share(context, alarm)
    if not share:
        return
    fires = _chance(context, alarm, share, alarm.threshold)
    limit = LIKELY if context.things < FEW_THINGS else TOLERABLE
    if fires < limit:
        return
    acts = bool(alarm.sns_topics) and fires >= LIKELY
    yield finding(
        "OTA604",
        f"a healthy fleet sets it off with a chance of {chance(fires)}: {percent(share)} of "
        f"its executions count in {alarm.metric_name}, and "
        f"{'more' if alarm.alarm_type is AlarmType.UPPER else 'less'} than "
        f"{alarm.threshold:g} in {alarm.period_seconds} seconds is bad",
        safe=_safe(context, alarm, share),
        of=alarm.name,
        severity=Severity.ERROR if acts else Severity.WARNING,
    )


def _share(context: LintContext, alarm: Alarm) -> float:
    """The share of a healthy fleet's executions that the metric counts; 0 if it counts none."""
    if alarm.counts_successes:
        return 1 - context.failure_share(FailureType.ALL)
    counted = alarm.counted_failures
    return 0.0 if counted is None else context.failure_share(counted)


def _chance(context: LintContext, alarm: Alarm, share: float, threshold: float) -> float:
    """The chance that the alarm goes off at least once; a lower bound if it needs several periods.

    Only windows of N periods that do not overlap are counted.
    """
    expected = _expected_by_period(context, alarm, share)
    if alarm.is_running_total:
        # The total only grows: the last period has all ends, once for each of its minutes.
        minutes = max(1, alarm.period_seconds // _MINUTE_SECONDS)
        most = threshold / (minutes if alarm.statistic == Statistic.SUM else 1)
        return _bad(alarm, sum(expected), most)
    bad = [_bad(alarm, each, threshold) for each in expected]
    silent = 1.0
    for start in range(0, len(bad), alarm.evaluation_periods):
        window = bad[start : start + alarm.evaluation_periods]
        silent *= 1 - _at_least(window, alarm.datapoints_to_alarm)
    return 1 - silent


def _expected_by_period(context: LintContext, alarm: Alarm, share: float) -> list[float]:
    minutes = max(1, alarm.period_seconds // _MINUTE_SECONDS)
    totals = context.notified_by_minute
    ends = [*totals[minutes - 1 :: minutes], totals[-1]]
    return [
        (later - earlier) * context.online_share * share
        for earlier, later in zip([0, *ends], ends, strict=False)
        if later > earlier
    ]


def _bad(alarm: Alarm, expected: float, threshold: float) -> float:
    """The chance that a period with N expected executions is bad."""
    is_upper = alarm.alarm_type is AlarmType.UPPER
    if not alarm.adds_up:
        # Each execution is a value of 1, independent of the others in the period.
        is_bad = threshold < 1 if is_upper else threshold > 1
        return -math.expm1(-expected) if is_bad else 0.0
    if is_upper:
        return 1 - _poisson_up_to(math.floor(threshold), expected)
    # A period without a value is not evaluated.
    return max(0.0, _poisson_up_to(math.ceil(threshold) - 1, expected) - math.exp(-expected))


def _poisson_up_to(most: int, expected: float) -> float:
    """The chance of at most N, of a Poisson variable; exact except at its far ends."""
    reach = 10 * math.sqrt(expected) + 40
    if most < 0 or most < expected - reach:
        return 0.0
    if expected <= 0 or most > expected + reach:
        return 1.0
    low = max(0, math.floor(expected - reach))
    log_expected = math.log(expected)
    return min(
        1.0,
        math.fsum(
            math.exp(number * log_expected - expected - math.lgamma(number + 1))
            for number in range(low, most + 1)
        ),
    )


def _at_least(chances: list[float], wanted: int) -> float:
    counts = [1.0] + [0.0] * wanted
    for happens in chances:
        for number in range(wanted, 0, -1):
            gained = counts[number - 1] * happens
            kept = counts[number] * (1 if number == wanted else 1 - happens)
            counts[number] = kept + gained
        counts[0] *= 1 - happens
    return counts[wanted]


def _safe(context: LintContext, alarm: Alarm, share: float) -> str:
    """The smallest round threshold that a healthy fleet stays below."""
    if alarm.alarm_type is AlarmType.LOWER or alarm.counts_successes or not alarm.adds_up:
        return "stat = Sum of failures, with a threshold above those of a healthy fleet"
    rounds = (step * 10**power for power in range(8) for step in (1, 2, 3, 5))
    for threshold in rounds:
        if _chance(context, alarm, share, threshold) < TOLERABLE:
            return f"threshold = {threshold}"
    return "a threshold above the failures of a healthy fleet"
