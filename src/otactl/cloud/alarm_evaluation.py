"""When an alarm changes its state: CloudWatch's rules for M out of N and for missing data.

Source: CloudWatch User Guide, AlarmThatSendsEmail ("Evaluating an alarm", "Configuring how
CloudWatch alarms treat missing data") and botocore ``cloudwatch`` PutMetricAlarmInput.

* Periods end on whole minutes (on whole tens of seconds for periods below a minute) and slide: a
  period of five minutes is evaluated every minute. Only complete periods count.
* The alarm evaluates the last N periods and goes to ALARM when M of them are breaching.
* A period without a value counts as good (``notBreaching``) or as bad (``breaching``), keeps the
  state if it would decide (``ignore``), or is skipped (``missing``); if none of the N periods has
  a value, ``missing`` gives INSUFFICIENT_DATA.

CloudWatch also evaluates a few periods before the N if values are missing; their number depends
on the metric and is not documented, so it is not done here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SHORT_PERIODS = (10, 20, 30)
_TREATMENTS = ("notBreaching", "breaching", "ignore", "missing")


class AlarmState(StrEnum):
    """The states of an alarm (botocore ``cloudwatch`` StateValue)."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """The condition of an alarm.

    Attributes:
        comparison: A key of COMPARISONS.
        datapoints_to_alarm: M; at most ``evaluation_periods``, which is N.
        treat_missing_data: notBreaching, breaching, ignore or missing.
    """

    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    treat_missing_data: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The new state of an alarm, and the reason."""

    state: AlarmState
    reason: str


def periods(rule: AlarmRule, now: float) -> list[tuple[int, int]]:
    """The last N complete periods, the newest first.

    Args:
        rule: Of the alarm.
        now: Epoch seconds.

    Returns:
        Start (inclusive) and end (exclusive) of each, epoch seconds.
    """
    step = min(rule.period_seconds, _MINUTE)
    end = int(now // step) * step
    length = rule.period_seconds
    return [
        (end - (index + 1) * length, end - index * length)
        for index in range(rule.evaluation_periods)
    ]


def evaluate(rule: AlarmRule, datapoints: Sequence[float | None]) -> Verdict | None:
    """Evaluate the last N periods.

    Args:
        rule: Of the alarm.
        datapoints: One value for each period, the newest first; None for a period without one.

    Returns:
        The verdict; None if the state does not change.
    """
    breaches, word = COMPARISONS[rule.comparison]
    known = [value for value in datapoints if value is not None]
    bad = sum(breaches(value, rule.threshold) for value in known)
    missing = len(datapoints) - len(known)
    enough = rule.datapoints_to_alarm
    treatment = rule.treat_missing_data
    if treatment == "breaching":
        bad += missing
    if bad >= enough:
        state = AlarmState.ALARM
    elif treatment == "ignore" and bad + missing >= enough:
        return None
    elif treatment == "missing" and not known:
        return Verdict(
            AlarmState.INSUFFICIENT_DATA,
            f"Insufficient data: no value in the last {len(datapoints)} periods",
        )
    else:
        state = AlarmState.OK
    values = ", ".join(f"{value:g}" for value in known) or "none"
    return Verdict(
        state,
        f"Threshold crossed: {bad} of the last {len(datapoints)} datapoints"
        f" were {word} the threshold ({rule.threshold:g}), {enough} make the alarm go off;"
        f" values: {values}; periods without a value: {missing} ({treatment})"
        if state is AlarmState.ALARM
        else f"Threshold not crossed: {bad} of the last {len(datapoints)} datapoints"
        f" were {word} the threshold ({rule.threshold:g}), {enough} make the alarm go off",
    )


def alarm_problem(alarm: Mapping[str, Any]) -> str | None:
    """Why PutMetricAlarm refuses an alarm on one metric; None if it is accepted.

    Source: botocore ``cloudwatch`` PutMetricAlarmInput; aws-facts I3.

    Args:
        alarm: Its members by name; numbers may be text.
    """
    try:
        period = _whole(alarm, "Period", _MINUTE)
        wanted = _whole(alarm, "EvaluationPeriods", 0)
        enough = _whole(alarm, "DatapointsToAlarm", wanted)
    except (TypeError, ValueError):
        return "Period, EvaluationPeriods and DatapointsToAlarm must be whole numbers"
    longest = _DAY if period < _HOUR else 7 * _DAY
    treatment = alarm.get("TreatMissingData") or "missing"
    for is_wrong, problem in (
        (wanted < 1, "EvaluationPeriods must be given, and at least 1"),
        (
            period < 1 or (period not in _SHORT_PERIODS and period % _MINUTE),
            f"Period {period} must be 10, 20, 30 or a multiple of 60",
        ),
        (
            period * wanted > longest,
            f"Period x EvaluationPeriods must be at most {longest} seconds",
        ),
        (
            not 1 <= enough <= wanted,
            f"DatapointsToAlarm {enough} must be from 1 to EvaluationPeriods",
        ),
        (
            alarm.get("Statistic") and alarm.get("ExtendedStatistic"),
            "Only one of Statistic and ExtendedStatistic may be given",
        ),
        (treatment not in _TREATMENTS, f"TreatMissingData {treatment} is unknown"),
    ):
        if is_wrong:
            return problem
    return None


def _whole(alarm: Mapping[str, Any], name: str, default: int) -> int:
    found = alarm.get(name)
    return default if found in (None, "") else int(found)
