"""How many AWS API calls otactl itself makes for one round of a deployment.

The fixed part is what the steps of ``deploy`` say of themselves; the rest grows with how long the
job is watched (one DescribeJob per tick) and with how many things did not succeed (pages of 250,
details of some). Throttled calls that are tried again are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS
from otactl.model.status import ExecutionStatus

#: Executions per page of ListJobExecutionsForJob (botocore ``iot`` LaserMaxResults).
PAGE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a running job is looked at.

    Attributes:
        poll_seconds: From one look to the next, ``--poll`` of ``otactl deploy``.
        details: Things asked about one by one at the end, ``--details``.
    """

    poll_seconds: float = DEFAULT_POLL_SECONDS
    details: int = DEFAULT_DETAILS


def api_calls(
    *,
    executions: Mapping[ExecutionStatus, int],
    watched_seconds: float,
    streamed: bool,
    alarms: int,
    watch: Watch,
) -> dict[str, int]:
    """Calls by ``service:Operation``.

    Args:
        executions: How they ended.
        watched_seconds: From CreateJob until the job was over, or nobody looked any more.
        streamed: Whether the image goes by MQTT stream.
        alarms: How many alarms the deployment makes.
        watch: How often it looks.
    """
    # Every execution is listed once, by status: the report has them all.
    pages = sum(math.ceil(count / PAGE) for count in executions.values())
    asked = min(watch.details, sum(executions.values()))
    calls = {
        "s3:PutObject": 3,
        "s3:HeadObject": 2,
        "iot:CreateStream": int(streamed),
        "iot:CreateJob": 1,
        "iot:DescribeJob": 1 + math.ceil(watched_seconds / watch.poll_seconds),
        "iot:ListJobExecutionsForJob": pages,
        "iot:DescribeJobExecution": asked,
        "cloudwatch:DescribeAlarms": alarms,
        "cloudwatch:PutMetricAlarm": alarms,
    }
    return {operation: count for operation, count in calls.items() if count}
