"""Turns the end of a job execution into CloudWatch metrics: a Lambda function of its own.

AWS IoT says on ``$aws/events/jobExecution/<jobId>/<status>`` that an execution is over, at least
once and in no certain order (Developer Guide, iot-events). A topic rule hands each event to this
handler, which publishes:

* one Count per status, ``succeeded``, ``failed``, …, for the job;
* ``downloadTime`` (Seconds) and ``retryCount`` (Count) as the device reported them, for the job;
* ``downloadTime`` once more without a dimension, for an alarm over all jobs;
* ``malformedEvents`` (Count) for what it could not read.

CloudWatch cannot know a value that it has seen before. So each event is claimed by its id in a
table first, and an event that another invocation claimed is dropped; why, and what that
guarantees, is in docs/adr/0502-count-each-event-once.md.

What the event says comes from devices: it is checked, never trusted. The handler fails only when
CloudWatch does, and Lambda then calls it again with the same event.

This file is all the function has, beside boto3: it imports nothing of otactl.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    Log = Callable[..., None]

NAMESPACE = "IoT:OTA:JobExecution"
DIMENSION = "jobId"
METRIC_OF_STATUS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "REJECTED": "rejected",
    "TIMED_OUT": "timedOut",
    "CANCELED": "canceled",
    "REMOVED": "removed",
    "DELETED": "deleted",
}
DOWNLOAD_TIME = "downloadTime"
RETRY_COUNT = "retryCount"
MALFORMED = "malformedEvents"

#: At most 4 metrics an event, so a batch of these stays far below PutMetricData's 1,000 and 1 MB.
BATCH_EVENTS = 200
#: Different values that PutMetricData takes for one metric (cloudwatch MetricDatum Values).
MAX_VALUES = 150
#: A day more than Lambda and AWS IoT can take to send an event again.
CLAIM_SECONDS = 2 * 86_400
#: What a device may claim: a download of four months, a billion retries. More is a slip.
MAX_READING = {DOWNLOAD_TIME: 1e7, RETRY_COUNT: 1e9}

_MAX_TEXT = 128
_LATEST_SECONDS = 4_102_444_800  # the year 2100
_JOB_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
#: CloudWatch's words for a value that it never takes, however often it is sent.
_UNACCEPTABLE = frozenset(
    {"InvalidParameterValue", "InvalidParameterValueException", "InvalidParameterCombination"}
    | {"InvalidParameterCombinationException", "ValidationError", "ValidationException"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEnd:
    """One event: an execution of a job is over.

    Attributes:
        metric: The name of the metric that counts this status.
        at_seconds: When, epoch seconds; None when the event does not say so readably.
        readings: What the device reported, by metric.
        unreadable: The members that held something else than they should.
    """

    event_id: str
    job_id: str
    metric: str
    at_seconds: int | None
    readings: dict[str, float]
    unreadable: tuple[str, ...]


class Malformed(ValueError):
    """Raised when something is no event of the end of an execution."""


class Series(NamedTuple):
    """What values must share to go into one datum."""

    metric: str
    job_id: str | None
    minute: int | None


def read_event(event: Any) -> ExecutionEnd:
    """Read an event of AWS IoT (aws-facts F4).

    Raises:
        Malformed: It has no id, job or final status; the message names the member only, for what
            it held came from somewhere else.
    """
    if not isinstance(event, dict):
        raise Malformed("not an object")
    event_id, job_id, status = (event.get(key) for key in ("eventId", "jobId", "status"))
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _MAX_TEXT:
        raise Malformed("eventId")
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise Malformed("jobId")
    if not isinstance(status, str) or status not in METRIC_OF_STATUS:
        raise Malformed("status")
    at_seconds = _number(event.get("timestamp"), _LATEST_SECONDS)
    readings, unreadable = _readings(event.get("statusDetails", {}))
    return ExecutionEnd(
        event_id=event_id,
        job_id=job_id,
        metric=METRIC_OF_STATUS[status],
        at_seconds=None if at_seconds is None else int(at_seconds),
        readings=readings,
        unreadable=(*unreadable, *(("timestamp",) if at_seconds is None else ())),
    )


def _readings(details: Any) -> tuple[dict[str, float], list[str]]:
    """What the device measured, and the names of what cannot be read."""
    if not isinstance(details, dict):
        return {}, ["statusDetails"]
    numbers = {
        name: _number(details[name], maximum)
        for name, maximum in MAX_READING.items()
        if name in details
    }
    readings = {name: number for name, number in numbers.items() if number is not None}
    return readings, [name for name in numbers if name not in readings]


def _number(said: Any, maximum: float) -> float | None:
    """A number from 0 to ``maximum``, as JSON or as text; None when it is none."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        number = float(said[:_MAX_TEXT] if isinstance(said, str) else said)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= maximum else None


def unwrap(event: Any) -> Iterator[Any]:
    """The events in what Lambda was called with: one, a list, or the records of SQS or SNS."""
    if isinstance(event, list):
        yield from event
    elif isinstance(event, dict) and isinstance(event.get("Records"), list):
        for record in event["Records"]:
            yield _of_record(record)
    else:
        yield event


def _of_record(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    notice = record.get("Sns")
    text = record.get("body", notice.get("Message") if isinstance(notice, dict) else None)
    if not isinstance(text, str):
        return record
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def metric_data(ends: Iterable[ExecutionEnd], malformed: int) -> list[dict[str, Any]]:
    """The metrics of a batch, as PutMetricData takes them; equal values are sent once, counted.

    Args:
        ends: No more than BATCH_EVENTS.
        malformed: How many events could not be read at all.
    """
    values: defaultdict[Series, Counter[float]] = defaultdict(Counter)
    for end in ends:
        # CloudWatch keeps a minute's values together anyway.
        minute = None if end.at_seconds is None else end.at_seconds // 60 * 60
        values[Series(end.metric, end.job_id, minute)][1.0] += 1
        for name, reading in end.readings.items():
            values[Series(name, end.job_id, minute)][reading] += 1
        if DOWNLOAD_TIME in end.readings:
            values[Series(DOWNLOAD_TIME, None, minute)][end.readings[DOWNLOAD_TIME]] += 1
        malformed += bool(end.unreadable)
    if malformed:
        values[Series(MALFORMED, None, None)][1.0] += malformed
    return [datum for series, counted in values.items() for datum in _data(series, counted)]


def _data(series: Series, counted: Counter[float]) -> Iterator[dict[str, Any]]:
    pairs = list(counted.items())
    for start in range(0, len(pairs), MAX_VALUES):
        part = pairs[start : start + MAX_VALUES]
        datum: dict[str, Any] = {
            "MetricName": series.metric,
            "Unit": "Seconds" if series.metric == DOWNLOAD_TIME else "Count",
            "Values": [value for value, _ in part],
            "Counts": [float(count) for _, count in part],
        }
        if series.job_id is not None:
            datum["Dimensions"] = [{"Name": DIMENSION, "Value": series.job_id}]
        if series.minute is not None:
            datum["Timestamp"] = series.minute
        yield datum


class Claims:
    """Who counts which event, in a DynamoDB table that all invocations share.

    An event is claimed before it is published and settled after. A claim that is not settled can
    be taken up by the invocation that made it, when Lambda calls that again.

    Args:
        dynamodb: A boto3 client.
        table: Its name; the key is ``eventId``.
        now_seconds: Epoch seconds, for the expiry.
        log: Takes one line for each thing worth knowing.
    """

    def __init__(
        self, dynamodb: Any, table: str, *, now_seconds: Callable[[], float], log: Log
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now_seconds = now_seconds
        self._log = log

    def claim(self, event_id: str, invocation: str) -> bool:
        """Whether this invocation is the one to count the event."""
        try:
            self._dynamodb.put_item(
                **self._item(event_id, invocation),
                ConditionExpression="attribute_not_exists(eventId) OR claimant = :claimant",
                ExpressionAttributeValues={":claimant": {"S": invocation}},
            )
        except (ClientError, BotoCoreError) as error:
            if _code(error) == "ConditionalCheckFailedException":
                return False
            # An alarm that sees an event twice is better than one that sees none.
            self._log("claim failed", eventId=event_id, code=_code(error))
        return True

    def settle(self, event_ids: Iterable[str]) -> None:
        """Nobody shall count these events again."""
        for event_id in event_ids:
            self._quietly(self._dynamodb.put_item, **self._item(event_id, ""))

    def release(self, event_ids: Iterable[str]) -> None:
        """Anybody may count these events."""
        for event_id in event_ids:
            key = {"eventId": {"S": event_id}}
            self._quietly(self._dynamodb.delete_item, TableName=self._table, Key=key)

    def _item(self, event_id: str, claimant: str) -> dict[str, Any]:
        expires_at = int(self._now_seconds()) + CLAIM_SECONDS
        return {
            "TableName": self._table,
            "Item": {
                "eventId": {"S": event_id},
                "claimant": {"S": claimant},
                "expiresAt": {"N": str(expires_at)},
            },
        }

    def _quietly(self, call: Callable[..., Any], **parameters: Any) -> None:
        try:
            call(**parameters)
        except (ClientError, BotoCoreError) as error:
            self._log("claim not updated", code=_code(error))


class MetricsGenerator:
    """Reads events, claims them and publishes their metrics.

    ``log`` takes one line for each thing worth knowing.
    """

    def __init__(self, cloudwatch: Any, claims: Claims, *, log: Log) -> None:
        self._cloudwatch = cloudwatch
        self._claims = claims
        self._log = log

    def handle(self, event: Any, invocation: str) -> dict[str, int]:
        """Publish what an invocation brought.

        Args:
            event: Whatever it was called with.
            invocation: Lambda's id of it, the same when Lambda calls again.

        Returns:
            How many events were published, were duplicates of others, and were malformed.
        """
        counts = Counter(published=0, duplicates=0, malformed=0)
        events = list(unwrap(event))
        for start in range(0, len(events), BATCH_EVENTS):
            counts.update(self._handle_batch(events[start : start + BATCH_EVENTS], invocation))
        self._log("handled", **counts)
        return dict(counts)

    def _handle_batch(self, events: list[Any], invocation: str) -> dict[str, int]:
        ends: dict[str, ExecutionEnd] = {}
        malformed = 0
        for event in events:
            try:
                end = read_event(event)
            except Malformed as error:
                malformed += 1
                self._log("malformed", member=str(error))
                continue
            reported = {"eventId": end.event_id, "jobId": end.job_id, "metric": end.metric}
            if end.event_id in ends or not self._claims.claim(end.event_id, invocation):
                self._log("duplicate", **reported)
                continue
            self._log("event", **reported, unreadable=end.unreadable)
            ends[end.event_id] = end
        try:
            self._put(metric_data(ends.values(), malformed))
        except (ClientError, BotoCoreError):
            self._claims.release(ends)
            raise
        self._claims.settle(ends)
        duplicates = len(events) - malformed - len(ends)
        return {"published": len(ends), "duplicates": duplicates, "malformed": malformed}

    def _put(self, data: list[dict[str, Any]]) -> None:
        """Publish; what CloudWatch will never take is found by halving, counted and left out."""
        if not data:
            return
        try:
            self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except ClientError as error:
            if _code(error) not in _UNACCEPTABLE:
                raise
            if len(data) > 1:
                self._put(data[: len(data) // 2])
                self._put(data[len(data) // 2 :])
                return
            (refused,) = data
            self._log("refused by CloudWatch", metric=refused["MetricName"], code=_code(error))
            if refused["MetricName"] != MALFORMED:
                self._put(metric_data([], int(sum(refused["Counts"]))))


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def log_line(outcome: str, **fields: Any) -> None:
    """Write one JSON object to the function's log. Never what an event held beside ids."""
    sys.stdout.write(json.dumps({"outcome": outcome} | fields) + "\n")
    sys.stdout.flush()


@cache
def _generator() -> MetricsGenerator:
    # Shorter than the function's own time limit: a call that hangs shall fail, not be cut off.
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 4})
    claims = Claims(
        boto3.client("dynamodb", config=config),
        os.environ["CLAIMS_TABLE"],
        now_seconds=time.time,
        log=log_line,
    )
    return MetricsGenerator(boto3.client("cloudwatch", config=config), claims, log=log_line)


def metrics_generator(event: Any, context: Any) -> dict[str, int]:
    """What Lambda calls."""
    return _generator().handle(event, str(context.aws_request_id))
