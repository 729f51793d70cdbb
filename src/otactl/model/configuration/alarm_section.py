"""The sections that become CloudWatch alarms."""

from __future__ import annotations

from typing import Annotated

from otactl.model import limits
from otactl.model.alarm import AlarmType, MissingData
from otactl.model.configuration import words
from otactl.model.configuration.kind import Choice, DecimalNumber, WholeNumber
from otactl.model.configuration.section import Section, key

_ALARM = "cloudwatch:PutMetricAlarm"
_EVALUATION_PERIODS = limits.WholeRange(
    1, limits.MAX_ALARM_SPAN_SECONDS // min(limits.HIGH_RESOLUTION_PERIODS)
)


class AlarmListSection(Section):
    """[ALARM_CONFIG]: which alarms watch the deployment."""

    alarm_list: Annotated[tuple[str, ...], words.ALARM_NAMES] = key(
        "alarmList",
        about=(
            "The names of the alarms, separated by commas. They are created before the job and "
            "deleted at clean-up. Left empty, no alarm is made."
        ),
        becomes=f"{_ALARM} AlarmName, as otactl-<jobId>-<alarm_name>",
        example="DownloadTimeUpperLimitAlarm",
        default=(),
    )


class AlarmSection(Section):
    """[ALARM_CONFIG_…]: one alarm."""

    namespace: Annotated[str, words.NAMESPACE] = key(
        "namespace",
        about="The namespace of the metric.",
        becomes=f"{_ALARM} Namespace",
        example="IoT:OTA:JobExecution",
    )
    metric_name: Annotated[str, words.METRIC_NAME] = key(
        "metricName",
        about="The name of the metric. It is watched for this job alone.",
        becomes=f"{_ALARM} MetricName",
        example="downloadTime",
    )
    statistic: Annotated[str, words.STATISTIC] = key(
        "stat",
        about="The statistic of the metric.",
        becomes=f"{_ALARM} Statistic or ExtendedStatistic",
        example="p99",
    )
    period_seconds: Annotated[int, words.ALARM_PERIOD] = key(
        "period",
        about="The seconds over which the statistic is taken.",
        becomes=f"{_ALARM} Period",
        example="60",
    )
    threshold: Annotated[float, DecimalNumber(limits.ALARM_THRESHOLD)] = key(
        "threshold",
        about="The value that must not be passed; the value itself is still good.",
        becomes=f"{_ALARM} Threshold",
        example="3600",
    )
    alarm_type: Annotated[AlarmType, Choice(AlarmType)] = key(
        "alarmType",
        about="upper: values above the threshold are bad. lower: values below it.",
        becomes=f"{_ALARM} ComparisonOperator",
        example="upper",
    )
    evaluation_periods: Annotated[int, WholeNumber(_EVALUATION_PERIODS)] = key(
        "evaluationPeriods",
        about=(
            "How many periods are evaluated together, the N of M out of N. Times period it is at "
            "most a day, or a week when period is an hour or longer."
        ),
        becomes=f"{_ALARM} EvaluationPeriods",
        example="5",
    )
    datapoints_to_alarm: Annotated[int | None, WholeNumber(_EVALUATION_PERIODS)] = key(
        "datapointsToAlarm",
        about="How many of them must be bad, the M of M out of N. Left out: all of them.",
        becomes=f"{_ALARM} DatapointsToAlarm",
        example="3",
        default=None,
    )
    sns_topics: Annotated[tuple[str, ...], words.TOPIC_ARNS] = key(
        "snsTopics",
        about=(
            "The SNS topics that are notified when the alarm goes off, separated by commas. "
            "`otactl stack outputs` shows the ARNs of the monitoring stack's three."
        ),
        becomes=f"{_ALARM} AlarmActions",
        example="arn:aws:sns:<region>:<aws-account-id>:email-notification",
        default=(),
    )
    treat_missing_data: Annotated[MissingData, Choice(MissingData)] = key(
        "treatMissingData",
        about=(
            "What a period without values counts as. A device reports once, so most periods are "
            "empty; notBreaching lets the alarm fall back to OK, from where it can go off again."
        ),
        becomes=f"{_ALARM} TreatMissingData",
        ours=True,
        default=MissingData.NOT_BREACHING,
    )
