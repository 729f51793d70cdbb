"""What the keys of one alarm require of each other (aws-facts I3, M9)."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.arn import Arn
from otactl.model.configuration.report import Finding, Rule, forbid
from otactl.model.configuration.sections import ALARM_PREFIX, DEFAULT, KeyName


def _span_fits(evaluation_periods: int, period: int) -> Finding | None:
    """Period times evaluation periods: a day, or a week for periods of an hour or longer."""
    longest = limits.MAX_ALARM_SPAN_SECONDS
    if period >= limits.LONG_PERIOD_SECONDS:
        longest = limits.MAX_ALARM_SPAN_SECONDS_OF_LONG_PERIODS
    span = evaluation_periods * period
    if span <= longest:
        return None
    return Finding(
        "range",
        f"evaluationPeriods x period is {evaluation_periods} x {period} = {span} seconds; "
        f"CloudWatch takes {longest}",
        hint="a day for periods under an hour, a week for longer ones",
    )


def _topics_are_in_region(topics: tuple[str, ...], region: str) -> Finding | None:
    """An alarm notifies topics of its own region only (CloudWatch User Guide, alarm actions)."""
    away = next((topic for topic in topics if Arn.parse(topic).region != region), None)
    if away is not None:
        message = f"{away} is not in {region}; an alarm notifies topics of its own region"
        return Finding("region", message)
    if not topics:
        message = "is empty: the alarm goes off and nobody is notified"
        return Finding("never", message, severity=Severity.WARNING)
    return None


def alarm_rules(names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of each listed alarm."""
    rules: list[Rule] = []
    for name in names:
        section = ALARM_PREFIX + name
        period = KeyName(section, "period")
        evaluation_periods = KeyName(section, "evaluationPeriods")
        rules += [
            Rule((evaluation_periods, period), _span_fits),
            # M of N: M is at most N.
            forbid(
                (KeyName(section, "datapointsToAlarm"), evaluation_periods),
                lambda datapoints, periods: datapoints is not None and datapoints > periods,
                "must be at most evaluationPeriods ({1}), found {0}",
            ),
            # Periods below a minute see nothing of metrics stored by the minute (facts I3, M9).
            forbid(
                (period,),
                lambda seconds: seconds in limits.HIGH_RESOLUTION_PERIODS,
                "{0} seconds work only for metrics stored with StorageResolution 1",
                hint="of any other metric the alarm has INSUFFICIENT_DATA; a multiple of 60 "
                "always works",
                severity=Severity.WARNING,
                code="high-resolution",
            ),
            Rule(
                (KeyName(section, "snsTopics"), KeyName(DEFAULT, "region")), _topics_are_in_region
            ),
        ]
    return tuple(rules)
