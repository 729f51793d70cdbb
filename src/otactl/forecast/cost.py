"""What a rollout costs: MQTT messages, API calls, and the bill, item by item.

| rule | source |
|---|---|
| a message counts once per started 5 KB of payload and topic | AWS IoT Core, additional |
| | metering details; aws-facts L |
| the PUBACK a device sends for a QoS 1 message counts as one; those of the service are free | L |
| the answers of the Jobs API are charged even without a subscriber | aws-facts L |
| one GetStream request brings at most 128 KB | aws-facts G4 |
| whether stream blocks are charged as ordinary messages is UNCONFIRMED; here they are | L |

The fixed part of the API calls is what the steps of ``deploy`` declare; the rest grows with the
time the job is watched (one DescribeJob per poll) and with the number of executions (pages of 250,
details of some). Retries of throttled calls are not counted.

Pure, without NumPy: every plan shows the cost of an undisturbed rollout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from otactl.forecast.price import Prices
from otactl.forecast.profile import Delivery
from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS
from otactl.model.limits import PAGE
from otactl.model.status import ExecutionStatus

GIGABYTE = 1e9
METERED_BYTES = 5 * 1024
#: Topic and framing of a data message: ``$aws/things/{thing}/streams/{stream}/data/cbor``.
_OVERHEAD_BYTES = 160
_BYTES_PER_REQUEST = 128 * 1024
#: notify and notify-next when it is queued; start-next and its answer.
_MESSAGES_TO_START = 4
#: One update and its answer.
_MESSAGES_PER_REPORT = 2
#: notify and notify-next when it is over.
_MESSAGES_AFTER_END = 2


def metered(payload_bytes: int) -> int:
    """The number of metered messages of a payload."""
    return -(-(payload_bytes + _OVERHEAD_BYTES) // METERED_BYTES)


def messages_per_download(delivery: Delivery, image_bytes: int) -> int:
    """Metered messages that carry one image to one thing over a stream."""
    whole, rest = divmod(image_bytes, delivery.block_bytes)
    blocks = whole + (rest > 0)
    at_a_time = min(delivery.blocks_per_request, max(1, _BYTES_PER_REQUEST // delivery.block_bytes))
    requests = -(-blocks // at_a_time)
    answers = whole * metered(_encoded(delivery, delivery.block_bytes))
    answers += metered(_encoded(delivery, rest)) if rest else 0
    return requests + answers + blocks * delivery.qos


def messages_per_execution(delivery: Delivery) -> int:
    """Metered messages of the Jobs topics for one execution that runs to its end."""
    reports = delivery.progress_reports + 1
    return _MESSAGES_TO_START + reports * _MESSAGES_PER_REPORT + _MESSAGES_AFTER_END


def _encoded(delivery: Delivery, block_bytes: int) -> int:
    return block_bytes if delivery.encoding == "cbor" else -(-block_bytes // 3) * 4


def api_calls(
    *,
    executions: Mapping[ExecutionStatus, int],
    watched_seconds: float,
    streamed: bool,
    alarms: int,
) -> dict[str, int]:
    """Calls by ``service:Operation`` of a job that is watched for N seconds."""
    # The report lists every execution once, by status.
    pages = sum(math.ceil(count / PAGE) for count in executions.values())
    calls = {
        "s3:PutObject": 3,
        "s3:HeadObject": 2,
        "iot:CreateStream": int(streamed),
        "iot:CreateJob": 1,
        "iot:DescribeJob": 1 + math.ceil(watched_seconds / DEFAULT_POLL_SECONDS),
        "iot:ListJobExecutionsForJob": pages,
        "iot:DescribeJobExecution": min(DEFAULT_DETAILS, sum(executions.values())),
        "cloudwatch:DescribeAlarms": alarms,
        "cloudwatch:PutMetricAlarm": alarms,
    }
    return {operation: count for operation, count in calls.items() if count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Dollars by item, and what they are for.

    Attributes:
        executions: Job executions.
        messages: Metered MQTT messages.
        prices_read: When the oldest of the prices was read.
    """

    items: Mapping[str, float]
    executions: int
    messages: int
    prices_read: date

    @property
    def total(self) -> float:
        """The sum of the items."""
        return sum(self.items.values())


def bill(
    prices: Prices,
    *,
    executions: int,
    messages: int,
    downloads: int,
    downloaded_bytes: float,
    by_url: bool,
    alarms: int,
) -> Bill:
    """What AWS charges for a rollout.

    Args:
        prices: The price of each unit.
        executions: Job executions, each retry again; those cancelled before they began are
            counted, though whether AWS charges them is UNCONFIRMED.
        messages: Metered MQTT messages.
        downloads: Downloads begun.
        downloaded_bytes: What they carried.
        by_url: Whether the image comes from S3 directly: a GET each, and traffic to the internet.
        alarms: CloudWatch alarms, for a whole month each.
    """
    return Bill(
        items={
            "jobExecutions": prices.job_execution.of(executions),
            "mqttMessages": prices.mqtt_message.of(messages),
            "s3": prices.s3_put.of(3) + (prices.s3_get.of(downloads) if by_url else 0.0),
            "internetTraffic": (
                prices.internet_gigabyte.of(downloaded_bytes / GIGABYTE) if by_url else 0.0
            ),
            "alarms": prices.alarm_month.of(alarms),
        },
        executions=executions,
        messages=messages,
        prices_read=prices.read,
    )


def undisturbed_cost(
    prices: Prices, *, things: int, rounds: int, image_bytes: int, by_url: bool, alarms: int
) -> Bill:
    """The cost of a deployment whose every thing succeeds at its first attempt.

    Prices and counts are those of a forecast, but nothing is played; messages are those of the
    default fleet. Every round has all things.
    """
    executions, delivery = things * rounds, Delivery()
    blocks = 0 if by_url else messages_per_download(delivery, image_bytes)
    messages = executions * (blocks + messages_per_execution(delivery))
    return bill(
        prices,
        executions=executions,
        messages=messages,
        downloads=executions,
        downloaded_bytes=float(executions * image_bytes),
        by_url=by_url,
        alarms=alarms,
    )
