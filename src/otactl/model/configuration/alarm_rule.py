"""What the keys of one alarm require of each other (aws-facts I3, M9)."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.arn import Arn
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule
from otactl.model.configuration.sections import ALARM_PREFIX, DEFAULT, KeyName


def span_fits(evaluation_periods: int, period: int) -> Finding | None:
    """Period times evaluation periods: a day, or a week for periods of an hour or longer."""
    longest = limits.MAX_ALARM_SPAN_SECONDS
    if period >= limits.LONG_PERIOD_SECONDS:
        longest = limits.MAX_ALARM_SPAN_SECONDS_OF_LONG_PERIODS
    span = evaluation_periods * period
    if span <= longest:
        return None
    return Finding(
        code="range",
        message=(
            f"evaluationPeriods x period is {evaluation_periods} x {period} = {span} seconds; "
            f"CloudWatch takes {longest}"
        ),
        hint="a day for periods under an hour, a week for longer ones",
    )


def datapoints_fit(datapoints: int | None, evaluation_periods: int) -> Finding | None:
    """M of N: M is at most N."""
    if datapoints is None or datapoints <= evaluation_periods:
        return None
    return Finding(
        code="requires",
        message=f"must be at most evaluationPeriods ({evaluation_periods}), found {datapoints}",
    )


def period_is_standard(period: int) -> Finding | None:
    """Periods below a minute see nothing of metrics stored by the minute (facts I3, M9)."""
    if period not in limits.HIGH_RESOLUTION_PERIODS:
        return None
    return Finding(
        code="high-resolution",
        message=f"{period} seconds work only for metrics stored with StorageResolution 1",
        hint="of any other metric the alarm has INSUFFICIENT_DATA; a multiple of 60 always works",
        severity=Severity.WARNING,
    )


def topics_are_in_region(topics: tuple[str, ...], region: str) -> Finding | None:
    """An alarm notifies topics of its own region only (CloudWatch User Guide, alarm actions)."""
    for topic in topics:
        if Arn.parse(topic).region != region:
            return Finding(
                code="region",
                message=f"{topic} is not in {region}; an alarm notifies topics of its own region",
            )
    if not topics:
        return Finding(
            code="never",
            message="is empty: the alarm goes off and nobody is notified",
            severity=Severity.WARNING,
        )
    return None


def alarm_rules(names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of each listed alarm."""
    rules: list[Rule] = []
    region = KeyName(DEFAULT, "region")
    for name in names:
        section = ALARM_PREFIX + name
        period = KeyName(section, "period")
        evaluation_periods = KeyName(section, "evaluationPeriods")
        rules += [
            Rule((evaluation_periods, period), span_fits),
            Rule((KeyName(section, "datapointsToAlarm"), evaluation_periods), datapoints_fit),
            Rule((period,), period_is_standard),
            Rule((KeyName(section, "snsTopics"), region), topics_are_in_region),
        ]
    return tuple(rules)
