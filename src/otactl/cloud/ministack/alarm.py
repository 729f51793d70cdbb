"""Alarms on the metric they name, evaluated by CloudWatch's rules, with CloudWatch's messages.

MiniStack merges the values of all dimensions, evaluates one period as long as all N, ignores M out
of N and TreatMissingData, and evaluates only when a value arrives: the alarm of one job would go
off for another job, and none would ever be OK again. Its message lacks the alarm's ARN and has the
dimensions in the API's form, not in that of CloudWatch's message; it reaches topics whose policy
forbids it.

MiniStack also stores any values; those that CloudWatch refuses are refused here, of stacks too.

Touched, in ``ministack.services.cloudwatch``: ``_evaluate_alarm`` and ``_evaluate_all_alarms`` no
longer do anything; ``evaluate_everywhere`` here is called instead by
``otactl.cloud.background`` and reads ``_alarms`` and ``_metrics``; ``_calc_stats``,
``_stat_value``, ``_dims_key``, ``_record_history`` and ``_evaluate_parent_alarms`` are used as
MiniStack uses them; ``_dispatch_alarm_actions`` is replaced; ``_put_metric_alarm`` and
``cloudformation_put_metric_alarm`` are wrapped. ``sns.topic_policy_allows`` and ``sns._fanout`` are
used as for notifications of S3.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, sns

from otactl.cloud.alarm_evaluation import (
    COMPARISONS,
    AlarmRule,
    AlarmState,
    Verdict,
    alarm_problem,
    evaluate,
    periods,
)
from otactl.cloud.ministack.shape import Changes, require_parameters, require_source

_ACTIONS = {
    AlarmState.ALARM: "AlarmActions",
    AlarmState.OK: "OKActions",
    AlarmState.INSUFFICIENT_DATA: "InsufficientDataActions",
}
_SNS_SUBJECT_LENGTH = 100

_log = logging.getLogger("otactl.cloud.alarm")


def install(changes: Changes) -> None:
    """Install it."""
    require_parameters(cloudwatch._record_history, "alarm_name", "old_state", "new_state", "reason")
    require_parameters(cloudwatch._stat_value, "stats", "stat_name", "points")
    require_parameters(sns._fanout, "topic_arn", "msg_id", "message", "subject")
    require_source(cloudwatch._store_datum, '"Timestamp": ts')
    changes.put(cloudwatch, "_evaluate_alarm", _leave_alone, "alarm")
    changes.put(cloudwatch, "_evaluate_all_alarms", _leave_alone)
    states = ("old_state", "new_state", "reason")
    changes.put(cloudwatch, "_dispatch_alarm_actions", notify, "alarm", *states)
    _check_new_alarms(changes)


def _check_new_alarms(changes: Changes) -> None:
    require_parameters(cloudwatch._error, "code", "message", "status", "use_json", "use_cbor")
    require_parameters(cloudwatch._p, "params", "key")

    @changes.around(cloudwatch, "_put_metric_alarm", "params", "cbor_data", "is_cbor", "is_json")
    def put_metric_alarm(
        put: Any,
        params: Any,
        fields: Any,
        is_cbor: bool,  # noqa: FBT001  # as MiniStack calls it
        is_json: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        asked = fields
        if not (is_cbor or is_json):
            asked = {name: cloudwatch._p(params, name) for name in params}
        problem = alarm_problem(asked) if asked.get("MetricName") else None
        if problem is not None:
            return cloudwatch._error(
                "ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor
            )
        return put(params, fields, is_cbor, is_json)

    @changes.around(cloudwatch, "cloudformation_put_metric_alarm", "alarm")
    def put_alarm_of_stack(put: Any, alarm: dict[str, Any]) -> None:
        # MiniStack fills in Statistic beside an ExtendedStatistic.
        one = alarm | ({"Statistic": None} if alarm.get("ExtendedStatistic") else {})
        problem = alarm_problem(one) if alarm.get("MetricName") else None
        if problem is not None:
            raise ValueError(problem)
        put(alarm)


def _leave_alone(*_: Any) -> None:
    """Do nothing: alarms are evaluated in the background, not when a value arrives."""


def evaluate_everywhere() -> None:
    """Evaluate the alarms of every account and region."""
    for (account_id, region, _), alarm in list(cloudwatch._alarms._data.items()):
        try:
            with request_scope(account_id, region):
                verdict = _verdict(alarm, time.time())
                if verdict is not None and verdict.state != alarm["StateValue"]:
                    _change(alarm, verdict)
        except (KeyError, TypeError, ValueError):
            # MiniStack stores alarms unchecked; an invalid one must not stop the others.
            _log.exception("alarm %s cannot be evaluated", alarm.get("AlarmName"))


def _verdict(alarm: dict[str, Any], now: float) -> Verdict | None:
    comparison = alarm.get("ComparisonOperator")
    if comparison not in COMPARISONS or not alarm.get("MetricName"):
        return None  # anomaly detection and metric math are not evaluated
    wanted = int(alarm.get("EvaluationPeriods", 1))
    rule = AlarmRule(
        period_seconds=int(alarm.get("Period", 60)),
        evaluation_periods=wanted,
        datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or wanted),
        threshold=float(alarm.get("Threshold", 0)),
        comparison=comparison,
        treat_missing_data=alarm.get("TreatMissingData") or "missing",
    )
    dimensions = {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    points = [
        point
        for point in cloudwatch._metrics.get(key) or ()
        if alarm.get("Unit") in (None, point.get("Unit"))
    ]
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    return evaluate(
        rule,
        [
            _statistic([point for point in points if start <= point["Timestamp"] < end], statistic)
            for start, end in periods(rule, now)
        ],
    )


def _statistic(points: list[dict[str, Any]], statistic: str) -> float | None:
    stats = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(stats, statistic, points) if stats else None
    return None if value is None else float(value)


def _change(alarm: dict[str, Any], verdict: Verdict) -> None:
    before = alarm["StateValue"]
    alarm["StateValue"] = verdict.state.value
    alarm["StateReason"] = verdict.reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, verdict.state.value, verdict.reason)
    notify(alarm, before, verdict.state.value, verdict.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def notify(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
    """Publish a new state to the topics whose policies allow CloudWatch to publish.

    The fields are those of CloudWatch's own message (aws-facts I5).
    """
    if not alarm.get("ActionsEnabled", True):
        return
    arn = alarm["AlarmArn"]
    region, account_id = arn.split(":")[3:5]
    message = json.dumps(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmDescription": alarm.get("AlarmDescription") or None,
            "AWSAccountId": account_id,
            "NewStateValue": new_state,
            "NewStateReason": reason,
            "StateChangeTime": datetime.fromtimestamp(time.time(), UTC).isoformat(
                timespec="milliseconds"
            ),
            "Region": region,
            "AlarmArn": arn,
            "OldStateValue": old_state,
            "Trigger": _trigger(alarm),
        }
    )
    subject = f'{new_state}: "{alarm["AlarmName"]}" in {region}'[:_SNS_SUBJECT_LENGTH]
    for topic in alarm.get(_ACTIONS[AlarmState(new_state)]) or ():
        if ":sns:" not in topic:
            continue
        if not sns.topic_policy_allows(topic, "cloudwatch.amazonaws.com", arn, account_id):
            _log.warning("%s: the policy of %s does not let CloudWatch publish", arn, topic)
            continue
        sns._fanout(topic, str(uuid.uuid4()), message, subject)


def _trigger(alarm: dict[str, Any]) -> dict[str, Any]:
    percentile = alarm.get("ExtendedStatistic")
    statistic: dict[str, Any] = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": percentile}
        if percentile
        else {"StatisticType": "Statistic", "Statistic": str(alarm.get("Statistic", "")).upper()}
    )
    return {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": [
            {"value": pair["Value"], "name": pair["Name"]} for pair in alarm.get("Dimensions") or []
        ],
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData"),
        "EvaluateLowSampleCountPercentile": "",
    }
