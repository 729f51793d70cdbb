"""Alarms: can they see what they watch, in time, and does a healthy fleet set them off?

| rule | source |
|---|---|
| an alarm goes off when M of N periods are bad | botocore ``cloudwatch`` DatapointsToAlarm; I3 |
| a percentile of fewer than 10/(1-p) values (10/p below the median) is in fact the extreme | |
| | CloudWatch User Guide, percentiles with low samples; aws-facts I3 |
| a new custom metric may take 15 minutes to appear | the manual, [ALARM_CONFIG]; aws-facts I4 |
| the service's own metrics, and their spelling | Developer Guide, metrics_dimensions; I2 |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.abort_check import FEW_THINGS
from otactl.forecast.lint.count_alarm_check import healthy_counts
from otactl.forecast.lint.finding import Finding, duration, finding
from otactl.forecast.lint.lint_context import NEARLY_ALL, LintContext
from otactl.model.alarm import (
    OWN_NAMESPACE,
    SERVICE_NAMESPACE,
    Alarm,
    AlarmType,
    MissingData,
    Statistic,
)

_MINUTE_SECONDS = 60
#: How long a new custom metric may take to appear.
NEW_METRIC_SECONDS = 900
#: The metric that our Lambda publishes from devices' reports: download time in seconds.
DOWNLOAD_METRIC = "downloadTime"
#: The metrics that the monitoring stack publishes of a job (``otactl.lambdas.metrics_generator``).
STACK_METRICS = frozenset(
    {"succeeded", "failed", "rejected", "timedOut", "canceled", "removed", "deleted"}
    | {DOWNLOAD_METRIC, "retryCount"}
)
_STATES = ("Queued", "InProgress", "Succeded", "Failed", "Canceled", "Rejected", "Removed")
SERVICE_METRICS = frozenset(
    {f"{state}JobExecution{count}" for state in _STATES for count in ("Count", "TotalCount")}
    | {"ClientErrorCount", "ServerErrorCount"}
)
_ENOUGH_VALUES = 10
_HALF = 0.5
#: With fewer values than this beyond a percentile, a single one changes it.
_A_FEW = 2
#: The fewest values that support any percentile.
_FEWEST_VALUES = 20


def check_alarms(context: LintContext) -> Iterator[Finding]:
    """Everything about every alarm."""
    for alarm in context.configuration.alarms:
        unknown = _unknown_metric(alarm)
        if unknown is not None:
            yield unknown
            continue
        yield from _too_late(context, alarm)
        yield from _few_values(context, alarm)
        yield from _healthy_fleet(context, alarm)
        yield from healthy_counts(context, alarm)
        yield from _missing_is_bad(alarm)


def _without_count(name: str) -> str:
    """The name here for the sample tool's ``failedCount`` and ``timed_outCount``."""
    return name.removesuffix("Count").replace("_", "")


def _unknown_metric(alarm: Alarm) -> Finding | None:
    name = alarm.metric_name
    if alarm.namespace == OWN_NAMESPACE and name not in STACK_METRICS:
        # A warning: other programs of the user may publish in this namespace too.
        meant = {name.lower(), _without_count(name).lower()}
        alike = [known for known in STACK_METRICS if known.lower() in meant]
        return finding(
            "OTA605",
            f"the monitoring stack publishes no {name}: the alarm never goes off",
            safe=f"metricName = {alike[0]}" if alike else f"one of {_listed(STACK_METRICS)}",
            of=alarm.name,
        )
    if alarm.namespace != SERVICE_NAMESPACE or name in SERVICE_METRICS:
        return None
    return finding(
        "OTA605",
        f"AWS/IoT publishes no {name} for jobs: the alarm never goes off",
        safe=(
            "the service spells it Succeded"
            if "Succeeded" in name
            else f"the service has {_listed(f'{state}JobExecutionCount' for state in _STATES)}"
        ),
        of=alarm.name,
        severity=Severity.ERROR,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _too_late(context: LintContext, alarm: Alarm) -> Iterator[Finding]:
    """When enough bad periods are over, nearly everything is notified."""
    if context.things < FEW_THINGS:
        return
    seeing = alarm.period_seconds * alarm.datapoints_to_alarm + _MINUTE_SECONDS
    seconds = context.typical_seconds + seeing
    is_custom = alarm.namespace != SERVICE_NAMESPACE
    if context.notified_after(seconds) >= NEARLY_ALL * context.things:
        yield finding(
            "OTA601",
            f"cannot see it in time: {alarm.datapoints_to_alarm} bad periods of "
            f"{alarm.period_seconds} seconds after the first thing has finished is "
            f"{duration(seconds)}, and by then {context.notified_after(seconds):,} of "
            f"{context.things:,} things are notified",
            safe="fewer or shorter periods, or a slower rollout",
            of=alarm.name,
        )
    elif is_custom and (
        context.notified_after(seconds + NEW_METRIC_SECONDS) >= NEARLY_ALL * context.things
    ):
        lasts = duration(context.rollout_minutes * _MINUTE_SECONDS)
        yield finding(
            "OTA603",
            f"{alarm.metric_name} of a new jobId is a new metric and may take 15 minutes to "
            f"appear, and by then the rollout of {lasts} is over",
            safe="a rollout that begins so slowly that the metric is there in time, or one "
            "deployment of this jobId to a few things before",
            of=alarm.name,
        )


def _few_values(context: LintContext, alarm: Alarm) -> Iterator[Finding]:
    if not alarm.is_percentile:
        return
    share = float(alarm.statistic[1:]) / 100
    tail = 1 - share if share >= _HALF else share
    if tail <= 0:
        return
    needed = round(_ENOUGH_VALUES / tail)
    most = _values_per_period(context, alarm)
    if most >= needed:
        return
    beyond = most * tail
    extreme = "largest" if share >= _HALF else "smallest"
    what = (
        f"it is about the {extreme} value: a single thing sets it off"
        if beyond < _A_FEW
        else f"{beyond:.0f} things decide it"
    )
    yield finding(
        "OTA602",
        f"{alarm.statistic} needs {needed:,} values per period to mean anything; at most "
        f"{most:,} things finish in {alarm.period_seconds} seconds, so {what}",
        safe=_supported(most, is_upper=share >= _HALF),
        of=alarm.name,
    )


def _supported(values: int, *, is_upper: bool) -> str:
    """The most extreme percentile that N values per period support."""
    if values < _FEWEST_VALUES:
        return "stat = Average, or a longer period"
    tail = -(-100 * _ENOUGH_VALUES // values)
    return f"stat = p{100 - tail if is_upper else tail} or Average, or a longer period"


def _values_per_period(context: LintContext, alarm: Alarm) -> int:
    """The largest number of connected things notified within a period."""
    minutes = max(1, alarm.period_seconds // _MINUTE_SECONDS)
    totals = context.notified_by_minute
    before = [0] * minutes + totals
    after = [*totals, *[totals[-1]] * minutes]
    most = max(later - earlier for earlier, later in zip(before, after, strict=True))
    return round(most * context.online_share)


def _healthy_fleet(context: LintContext, alarm: Alarm) -> Iterator[Finding]:
    """What a healthy fleet reports lies on the bad side of the threshold."""
    if alarm.metric_name != DOWNLOAD_METRIC or context.image_bytes is None:
        return
    if alarm.statistic in (Statistic.SAMPLE_COUNT, Statistic.SUM):
        return
    seen, is_upper = _expected(context, alarm), alarm.alarm_type is AlarmType.UPPER
    if not (seen > alarm.threshold if is_upper else seen < alarm.threshold):
        return
    yield finding(
        "OTA604",
        f"a healthy fleet sets it off: {alarm.statistic} of its downloads is about "
        f"{duration(seen)}, and {'more' if is_upper else 'less'} than {alarm.threshold:g} "
        "seconds counts as bad",
        safe="a threshold on the other side of what healthy things need, with room to spare",
        of=alarm.name,
    )


def _expected(context: LintContext, alarm: Alarm) -> float:
    """The approximate statistic of a healthy fleet's downloads in a busy period."""
    if alarm.statistic == Statistic.AVERAGE:
        return context.mean_download_seconds
    # Of n sorted values the last is at about the quantile n / (n + 1).
    values = max(1, _values_per_period(context, alarm))
    least, most = 1 / (values + 1), values / (values + 1)
    if alarm.is_percentile:
        share = float(alarm.statistic[1:]) / 100
    else:
        share = least if alarm.statistic == Statistic.MINIMUM else most
    return context.fleet_download_seconds(min(max(share, least), most))


def _missing_is_bad(alarm: Alarm) -> Iterator[Finding]:
    if alarm.treat_missing_data is not MissingData.BREACHING:
        return
    yield finding(
        "OTA606",
        "a period in which nothing is reported counts as bad: it goes off before the first "
        "thing has finished, and again when the last one has",
        safe="treatMissingData = notBreaching",
        of=alarm.name,
    )
