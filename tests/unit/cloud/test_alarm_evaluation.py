"""CloudWatch's rules for M out of N and for missing data."""

from __future__ import annotations

import pytest

from otactl.cloud.alarm_evaluation import (
    AlarmRule,
    AlarmState,
    alarm_problem,
    evaluate,
    periods,
)

MISSING = None


def rule(
    *,
    m: int = 2,
    n: int = 3,
    treat: str = "notBreaching",
    comparison: str = "GreaterThanThreshold",
    period: int = 60,
) -> AlarmRule:
    return AlarmRule(
        period_seconds=period,
        evaluation_periods=n,
        datapoints_to_alarm=m,
        threshold=10.0,
        comparison=comparison,
        treat_missing_data=treat,
    )


@pytest.mark.parametrize(
    ("treat", "datapoints", "state"),
    [
        ("notBreaching", [11, 11, 1], "ALARM"),
        ("notBreaching", [11, 1, 1], "OK"),
        ("notBreaching", [MISSING, 11, 11], "ALARM"),
        ("notBreaching", [MISSING, MISSING, 11], "OK"),
        ("notBreaching", [MISSING, MISSING, MISSING], "OK"),
        ("breaching", [MISSING, 11, 1], "ALARM"),
        ("breaching", [1, 1, MISSING], "OK"),
        ("breaching", [MISSING, MISSING, MISSING], "ALARM"),
        ("ignore", [MISSING, MISSING, MISSING], None),
        ("ignore", [MISSING, 11, 1], None),
        ("ignore", [MISSING, 1, 1], "OK"),
        ("ignore", [11, MISSING, 11], "ALARM"),
        ("missing", [MISSING, MISSING, MISSING], "INSUFFICIENT_DATA"),
        ("missing", [MISSING, MISSING, 1], "OK"),
        ("missing", [MISSING, 11, 11], "ALARM"),
    ],
)
def test_missing_periods_count_as_the_alarm_says(
    treat: str, datapoints: list[float | None], state: str | None
) -> None:
    verdict = evaluate(rule(treat=treat), datapoints)

    assert (verdict.state if verdict else None) == state


@pytest.mark.parametrize(
    ("comparison", "at_threshold", "below"),
    [
        ("GreaterThanThreshold", "OK", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM", "OK"),
        ("LessThanThreshold", "OK", "ALARM"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM"),
    ],
)
def test_each_comparison_knows_the_threshold_itself(
    comparison: str, at_threshold: str, below: str
) -> None:
    single = rule(m=1, n=1, comparison=comparison)

    states = [evaluate(single, [value]) for value in (10.0, 9.9)]

    assert [verdict.state for verdict in states if verdict] == [at_threshold, below]


def test_the_reason_has_the_figures() -> None:
    verdict = evaluate(rule(), [12.5, MISSING, 30.0])

    assert verdict is not None
    assert verdict.state is AlarmState.ALARM
    for part in ("2 of the last 3", "greater than the threshold (10)", "12.5, 30"):
        assert part in verdict.reason


def test_periods_are_over_and_slide_by_the_minute() -> None:
    five_minutes = rule(n=2, period=300)

    assert periods(five_minutes, 1_000_019.0) == [(999_660, 999_960), (999_360, 999_660)]
    assert periods(five_minutes, 1_000_020.0) == [(999_720, 1_000_020), (999_420, 999_720)]


def test_short_periods_slide_by_their_own_length() -> None:
    assert periods(rule(n=2, period=10), 1009.9) == [(990, 1000), (980, 990)]


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({}, True),
        ({"Period": 10, "EvaluationPeriods": 8640}, True),
        ({"Period": 10, "EvaluationPeriods": 8641}, False),
        ({"Period": 45}, False),
        ({"Period": 0}, False),
        ({"Period": "120"}, True),
        ({"Period": 3540, "EvaluationPeriods": 25}, False),
        ({"Period": 3600, "EvaluationPeriods": 168}, True),
        ({"Period": 3600, "EvaluationPeriods": 169}, False),
        ({"EvaluationPeriods": None}, False),
        ({"EvaluationPeriods": "many"}, False),
        ({"DatapointsToAlarm": 4}, False),
        ({"DatapointsToAlarm": 0}, False),
        ({"ExtendedStatistic": "p99"}, False),
        ({"ExtendedStatistic": "p99", "Statistic": ""}, True),
        ({"TreatMissingData": "good"}, False),
        ({"TreatMissingData": "ignore"}, True),
    ],
)
def test_what_cloudwatch_takes(*, changes: dict[str, object], is_taken: bool) -> None:
    alarm = {"Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Statistic": "Sum"}
    assert (alarm_problem(alarm | changes) is None) is is_taken
