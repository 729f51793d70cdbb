"""Writes a job request as an item of the table; ``queue_item_reading`` reads it.

The first seven attributes are the manual's: ``jobStatus``, ``timestamp``, ``jobId``, ``bucketId``,
``binFileKey``, ``thingListFileKey``, ``devFileKey``; its own script can add a request and read one.
The others are ours; an item without them is a request of the old script.

Jobs that finished requests left open have their own items: the hash key is
``jobStatus = otactl-open`` and the range key begins with the due time, so one query reads only what
is due. Only workers may write there. Items are not trusted: an invalid one is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, MalformedRequest, Targets
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile
from otactl.model.arn import is_region
from otactl.model.wave import OpenJobs

Item = dict[str, Any]

STATE, ORDER_KEY = "jobStatus", "timestamp"
FENCE, OWNER, LEASE_UNTIL, RUN = "fence", "owner", "leaseUntil", "run"
#: The attribute of DynamoDB's time to live: epoch seconds.
EXPIRES_AT = "expiresAt"
_DAY_SECONDS = 86_400
_DEFAULTS = {each.name: each.default for each in fields(JobRequest)}
#: Attributes, and the field of ``JobRequest`` that each holds. Defaults are left out.
COUNTERS = {RUN: "run", "attempt": "attempt", FENCE: "fence"}
NUMBERS = {
    "notBefore": "not_before_ms",
    "keepDays": "keep_days",
    "requiredSucceeded": "required_succeeded",
    "maximumMinutes": "maximum_minutes",
    "gateUntil": "gate_until_ms",
    "endedAt": "ended_ms",
    "openUntil": "open_until_ms",
    "closedAt": "closed_ms",
}
TEXTS = {
    "lastError": "last_error",
    "gate": "gate",
    "gateWave": "gate_wave",
    "gateAsks": "gate_asks",
    "imageVersion": "image_version",
}
#: The files likewise, each in up to three attributes.
FILES = {
    FileRole.IMAGE: "image",
    FileRole.CONFIGURATION: "configuration",
    FileRole.THING_LIST: "thing_list",
    FileRole.DOCUMENT: "document",
    FileRole.EXCEPTED: "excepted",
    FileRole.CHECKPOINT: "checkpoint",
    FileRole.WAVES: "waves",
}
#: The attributes with a meaning here; all others are kept as they are.
OURS = frozenset(
    {STATE, ORDER_KEY, "jobId", "bucketId", OWNER, LEASE_UNTIL, EXPIRES_AT, "after"}
    | {*COUNTERS, *NUMBERS, *TEXTS}
    | {f"{role}{suffix}" for role in FileRole for suffix in ("Key", "Sha256", "Size")}
    | {"formerFiles", "targetCount", "targetDigests", "targetGroups"}
    | {"seriesName", "seriesPart", "seriesParts", "things", "succeeded", "rounds"}
    | {"rollbackThings", "rolledBack", "failureKind", "failureReason", "exitCode"}
)

_OPEN_JOBS: TypeAdapter[OpenJobs] = TypeAdapter(OpenJobs)
_OPEN_STATE = "otactl-open"
_OPEN_CONTENT = "open"
_TIME_DIGITS = 15
_OPEN_KEY = re.compile(rf"(\d{{{_TIME_DIGITS}}})/(.+)", re.ASCII)


def key_of(state: RequestState, order_key: str) -> Item:
    """The primary key of a request in a state."""
    return {STATE: {"S": state.value}, ORDER_KEY: {"S": order_key}}


def query_of(
    table_name: str, state: str, *, consistent: bool, key: tuple[str, str] | None = None
) -> Item:
    """The query for the items of a state.

    Args:
        key: A condition on the range key, ``#key < :key``, and the value of ``:key``.
    """
    query: Item = {
        "TableName": table_name,
        "KeyConditionExpression": "#state = :state",
        "ExpressionAttributeNames": {"#state": STATE},
        "ExpressionAttributeValues": {":state": {"S": state}},
        "ConsistentRead": consistent,
    }
    if key is not None:
        query["KeyConditionExpression"] += f" AND {key[0]}"
        query["ExpressionAttributeNames"]["#key"] = ORDER_KEY
        query["ExpressionAttributeValues"][":key"] = {"S": key[1]}
    return query


def item_of(request: JobRequest) -> Item:
    """The item of a request. Defaults are left out."""
    item: Item = {**dict(request.foreign), **key_of(request.state, request.order_key)}
    item |= {"jobId": {"S": request.job_id}, "bucketId": {"S": request.bucket}}
    for name, field in TEXTS.items():
        if text := getattr(request, field):
            item[name] = {"S": text}
    for name, field in (NUMBERS | COUNTERS).items():
        if (number := getattr(request, field)) != _DEFAULTS[field]:
            item[name] = _number(number)
    for role, field in FILES.items():
        item |= _file_attributes(role, getattr(request, field))
    if request.former:
        attributes = [_file_attributes(FileRole.FORMER, one) for one in request.former]
        item["formerFiles"] = {"L": [{"M": each} for each in attributes]}
    item |= _target_attributes(request.targets)
    if request.lease is not None:
        item[OWNER] = {"S": request.lease.owner}
        item[LEASE_UNTIL] = _number(request.lease.until_ms)
    item |= _end_attributes(request)
    if request.after:
        item["after"] = {"L": [{"S": key} for key in request.after]}
    if request.series is not None:
        item |= {
            "seriesName": {"S": request.series.name},
            "seriesPart": _number(request.series.part),
            "seriesParts": _number(request.series.parts),
        }
    return item


def quarantined_item(malformed: MalformedRequest, failure: Failure, *, now_ms: int) -> Item:
    """A malformed item with all its attributes and the reason why it failed."""
    return {
        **dict(malformed.item),
        STATE: {"S": RequestState.FAILED.value},
        "failureKind": {"S": failure.kind.value},
        "failureReason": {"S": failure.reason},
        "exitCode": _number(failure.exit_code),
        "endedAt": _number(now_ms),
    }


def _file_attributes(role: FileRole, file: StoredFile | None) -> Item:
    if file is None:
        return {}
    attributes: Item = {f"{role}Key": {"S": file.key}}
    if file.sha256 is not None:
        attributes[f"{role}Sha256"] = {"S": file.sha256}
    if file.size_bytes is not None:
        attributes[f"{role}Size"] = _number(file.size_bytes)
    return attributes


def _target_attributes(targets: Targets | None) -> Item:
    if targets is None:
        return {}
    attributes: Item = {"targetCount": _number(targets.count)}
    if targets.inline is not None:
        attributes["targetDigests"] = {"B": targets.inline}
    if targets.has_groups:
        attributes["targetGroups"] = {"BOOL": True}
    return attributes | _file_attributes(FileRole.TARGETS, targets.file)


def _end_attributes(request: JobRequest) -> Item:
    item: Item = {}
    if request.outcome is not None:
        item |= {
            "things": _number(request.outcome.things),
            "succeeded": _number(request.outcome.succeeded),
            "rounds": _number(request.outcome.rounds),
        }
        if request.outcome.to_roll_back is not None:
            item |= {
                "rollbackThings": _number(request.outcome.to_roll_back),
                "rolledBack": _number(request.outcome.rolled_back or 0),
            }
    if request.failure is not None:
        item |= {
            "failureKind": {"S": request.failure.kind.value},
            "failureReason": {"S": request.failure.reason},
            "exitCode": _number(request.failure.exit_code),
        }
    if request.ended_ms is not None and request.keep_days is not None:
        item[EXPIRES_AT] = _number(request.ended_ms // 1000 + request.keep_days * _DAY_SECONDS)
    return item


def _number(value: int) -> Item:
    return {"N": str(value)}


def open_key(left_open: LeftOpen) -> Item:
    """The primary key of jobs left open."""
    stamp = f"{left_open.due_ms:0{_TIME_DIGITS}d}/{left_open.order_key}"
    return {STATE: {"S": _OPEN_STATE}, ORDER_KEY: {"S": stamp}}


def open_item(left_open: LeftOpen) -> Item:
    """The item of jobs left open."""
    content = _OPEN_JOBS.dump_json(left_open.jobs).decode()
    return open_key(left_open) | {_OPEN_CONTENT: {"S": content}}


def left_open_of(item: Mapping[str, Any]) -> LeftOpen | None:
    """The jobs left open that an item holds; None if it is invalid."""
    try:
        jobs = _OPEN_JOBS.validate_json(item[_OPEN_CONTENT]["S"])
        match = _OPEN_KEY.fullmatch(item[ORDER_KEY]["S"])
    except (KeyError, ValidationError):
        return None
    if match is None or not is_region(jobs.region):
        return None
    return LeftOpen(order_key=match[2], due_ms=int(match[1]), jobs=jobs)


def due_query(table_name: str, now_ms: int) -> Item:
    """The query for jobs left open that are due."""
    key = ("#key < :key", f"{now_ms + 1:0{_TIME_DIGITS}d}")
    return query_of(table_name, _OPEN_STATE, consistent=False, key=key)
