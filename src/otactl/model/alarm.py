"""A CloudWatch alarm that watches one metric of one job, as ``[ALARM_CONFIG_…]`` describes it.

Source of the fields: botocore ``cloudwatch`` PutMetricAlarmInput; limits in ``model.limits``. Of
the service's metrics ``…JobExecutionCount`` moved into the state in the period, ``…TotalCount`` is
in it now (Developer Guide, metrics_dimensions; aws-facts I2); the stack's own have the value 1 for
each execution that ends (docs/stack.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.model.status import FailureType

#: The namespace IoT Jobs itself publishes in; its dimension is ``JobId`` (aws-facts I2).
SERVICE_NAMESPACE = "AWS/IoT"
#: Where our metrics Lambda publishes, with the dimension ``jobId``.
OWN_NAMESPACE = "IoT:OTA:JobExecution"
#: Each metric without the service's ending, in lower case, and what it counts.
_FAILURES = {
    "failed": FailureType.FAILED,
    "rejected": FailureType.REJECTED,
    "timedout": FailureType.TIMED_OUT,
}


class AlarmType(StrEnum):
    """Which side of the threshold is bad."""

    UPPER = "upper"
    LOWER = "lower"

    @property
    def comparison_operator(self) -> str:
        """What PutMetricAlarm calls it. The threshold itself is still good."""
        return "GreaterThanThreshold" if self is AlarmType.UPPER else "LessThanThreshold"


class MissingData(StrEnum):
    """What a period without any value counts as (TreatMissingData)."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"
    IGNORE = "ignore"
    MISSING = "missing"


class Statistic(StrEnum):
    """The statistics that are not percentiles (botocore ``cloudwatch`` Statistic)."""

    SAMPLE_COUNT = "SampleCount"
    AVERAGE = "Average"
    SUM = "Sum"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm of a deployment.

    Attributes:
        name: As ``alarmList`` spells it; in CloudWatch it follows the job id.
        statistic: A ``Statistic``, or a percentile such as ``p99`` or ``p99.9``.
        datapoints_to_alarm: M of the N ``evaluation_periods`` that must be bad.
        treat_missing_data: A device reports once, when it has finished, so most periods are
            empty and say nothing bad. As NOT_BREACHING they let the alarm fall back to OK, and
            only from there can it go off, and act, again; CloudWatch's own default would leave
            it in ALARM or INSUFFICIENT_DATA.
    """

    name: str
    namespace: str
    metric_name: str
    statistic: str
    period_seconds: int
    threshold: float
    alarm_type: AlarmType
    evaluation_periods: int
    datapoints_to_alarm: int
    sns_topics: tuple[str, ...] = ()
    treat_missing_data: MissingData = MissingData.NOT_BREACHING

    @property
    def is_percentile(self) -> bool:
        """Whether the statistic goes into ExtendedStatistic instead of Statistic."""
        return self.statistic.startswith("p")

    @property
    def counts_successes(self) -> bool:
        """Whether its metric counts executions that SUCCEEDED."""
        return self._state in ("succeeded", "succeded")

    @property
    def counted_failures(self) -> FailureType | None:
        """The failures that its metric counts; None if it counts something else."""
        return _FAILURES.get(self._state)

    @property
    def is_running_total(self) -> bool:
        """Whether its metric counts all executions that are in a state, not those of a period."""
        return self.metric_name.endswith("JobExecutionTotalCount")

    @property
    def adds_up(self) -> bool:
        """Whether the statistic grows with the number of executions."""
        if self.namespace == SERVICE_NAMESPACE:
            return self.statistic != Statistic.SAMPLE_COUNT
        return self.statistic in (Statistic.SUM, Statistic.SAMPLE_COUNT)

    @property
    def _state(self) -> str:
        name = self.metric_name.removesuffix("Count").removesuffix("Total")
        return name.removesuffix("JobExecution").lower()

    @property
    def dimension_name(self) -> str:
        """The dimension that holds the job id in this namespace."""
        return "JobId" if self.namespace == SERVICE_NAMESPACE else "jobId"


def deployed_alarm_name(job_id: str, name: str) -> str:
    """The alarm's name in CloudWatch.

    A job id is unique in an account and region, so two deployments never share an alarm.
    """
    return f"otactl-{job_id}-{name}"
