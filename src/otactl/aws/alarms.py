"""CloudWatch alarms behind ``deploy.ports.Alarms`` (botocore ``cloudwatch`` PutMetricAlarm)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.jobs import epoch_ms
from otactl.aws.translate import translated
from otactl.model.alarm import Alarm
from otactl.model.progress import AlarmProgress, AlarmState

#: The most DescribeAlarms takes and returns (botocore ``cloudwatch`` MaxRecords).
_PAGE = 100


class CloudWatchAlarms:
    """CloudWatch alarms."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    @translated("cloudwatch")
    def put(self, name: str, alarm: Alarm, *, job_id: str, description: str) -> None:
        """Create an alarm on a metric of a job."""
        parameters: dict[str, Any] = {
            "AlarmName": name,
            "AlarmDescription": description,
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric_name,
            "Dimensions": [{"Name": alarm.dimension_name, "Value": job_id}],
            "ExtendedStatistic" if alarm.is_percentile else "Statistic": alarm.statistic,
            "Period": alarm.period_seconds,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "Threshold": float(alarm.threshold),
            "ComparisonOperator": alarm.alarm_type.comparison_operator,
            "TreatMissingData": alarm.treat_missing_data.value,
            "AlarmActions": list(alarm.sns_topics),
        }
        self._clients.cloudwatch.put_metric_alarm(**parameters)

    @translated("cloudwatch")
    def description(self, name: str) -> str | None:
        """The description of an alarm, or None if it does not exist."""
        answer = self._clients.cloudwatch.describe_alarms(AlarmNames=[name])
        for alarm in answer.get("MetricAlarms", []):
            return alarm.get("AlarmDescription", "")
        return None

    @translated("cloudwatch")
    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm: one call for up to 100."""
        found: dict[str, AlarmProgress] = {}
        for first in range(0, len(names), _PAGE):
            batch = list(names[first : first + _PAGE])
            answer = self._clients.cloudwatch.describe_alarms(AlarmNames=batch, MaxRecords=_PAGE)
            for alarm in answer.get("MetricAlarms", []):
                found[alarm.get("AlarmName", "")] = _progress(alarm)
        missing = AlarmState.MISSING
        return tuple(found.get(name) or AlarmProgress(name=name, state=missing) for name in names)

    def went_off(self, name: str, since_ms: int) -> bool:
        """Whether an alarm was in ALARM at any time since ``since_ms``, by its state history.

        Only the history shows an alarm that went off and back to OK between two polls.
        """
        changes = self._clients.listed(
            *("cloudwatch", "describe_alarm_history", "AlarmHistoryItems"),
            AlarmName=name,
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(since_ms / 1000, UTC),
        )
        return any(
            _is_about_alarm(item.get("HistoryData", ""), item.get("HistorySummary", ""))
            for item in changes
        )

    @translated("cloudwatch")
    def delete(self, name: str) -> None:
        """Delete an alarm; a missing one is no error."""
        self._clients.cloudwatch.delete_alarms(AlarmNames=[name])


def _is_about_alarm(data: str, summary: str) -> bool:
    """Whether a state change is from or to ALARM; read from the summary if the data is invalid."""
    try:
        change = json.loads(data)
        states = (change["oldState"]["stateValue"], change["newState"]["stateValue"])
    except (ValueError, KeyError, TypeError):
        return bool(re.search(r"\bALARM\b", summary))
    return AlarmState.ALARM in states


def _progress(alarm: Mapping[str, Any]) -> AlarmProgress:
    return AlarmProgress(
        name=alarm["AlarmName"],
        state=AlarmState(alarm.get("StateValue", AlarmState.INSUFFICIENT_DATA)),
        since_ms=epoch_ms(alarm.get("StateUpdatedTimestamp")),
        reason=alarm.get("StateReason", ""),
    )
