"""A job request as an item of the table; ``queue_item_reading`` has the way back.

The first seven attributes are the manual's: ``jobStatus``, ``timestamp``, ``jobId``, ``bucketId``,
``binFileKey``, ``thingListFileKey``, ``devFileKey``; its own script can add a request and read one.
The others are ours; an item without them is a request of the old script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.jobqueue.request import Failure, JobRequest, MalformedRequest, Targets
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile

Item = dict[str, Any]

STATE, ORDER_KEY = "jobStatus", "timestamp"
FENCE, OWNER, LEASE_UNTIL, RUN = "fence", "owner", "leaseUntil", "run"
#: What DynamoDB's time to live looks at: epoch seconds.
EXPIRES_AT = "expiresAt"
_DAY_SECONDS = 86_400
#: The attributes that have a meaning here; all others are kept as they are.
OURS = frozenset(
    {STATE, ORDER_KEY, "jobId", "bucketId", FENCE, OWNER, LEASE_UNTIL, EXPIRES_AT}
    | {f"{role}{suffix}" for role in FileRole for suffix in ("Key", "Sha256", "Size")}
    | {"formerFiles", "rollbackThings", "rolledBack"}
    | {"targetCount", "targetDigests", "targetGroups", "notBefore", "after"}
    | {"seriesName", "seriesPart", "seriesParts", RUN, "attempt", "lastError"}
    | {"things", "succeeded", "rounds", "failureKind", "failureReason", "exitCode"}
    | {"endedAt", "keepDays", "requiredSucceeded", "maximumMinutes", "gate", "imageVersion"}
    | {"gateWave", "gateAsks", "gateUntil", "openUntil", "closedAt"}
)


def key_of(state: RequestState, order_key: str) -> Item:
    """The primary key of a request in a state."""
    return {STATE: {"S": state.value}, ORDER_KEY: {"S": order_key}}


def item_of(request: JobRequest) -> Item:
    """The item of a request. What is at its default is left out."""
    item: Item = {**dict(request.foreign), **key_of(request.state, request.order_key)}
    item |= {"jobId": {"S": request.job_id}, "bucketId": {"S": request.bucket}}
    for role, file in _files(request).items():
        item |= _file_attributes(role, file)
    if request.former:
        item["formerFiles"] = {"L": [{"M": _former_attributes(one)} for one in request.former]}
    item |= _target_attributes(request.targets)
    item |= _progress_attributes(request)
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
    """A malformed item, whole, with the reason why it failed."""
    return {
        **dict(malformed.item),
        STATE: {"S": RequestState.FAILED.value},
        "failureKind": {"S": failure.kind.value},
        "failureReason": {"S": failure.reason},
        "exitCode": _number(failure.exit_code),
        "endedAt": _number(now_ms),
    }


def _files(request: JobRequest) -> Mapping[FileRole, StoredFile]:
    files = {
        FileRole.IMAGE: request.image,
        FileRole.CONFIGURATION: request.configuration,
        FileRole.THING_LIST: request.thing_list,
        FileRole.DOCUMENT: request.document,
        FileRole.EXCEPTED: request.excepted,
        FileRole.TARGETS: request.targets.file if request.targets else None,
        FileRole.CHECKPOINT: request.checkpoint,
        FileRole.WAVES: request.waves,
    }
    return {role: file for role, file in files.items() if file is not None}


def _file_attributes(role: FileRole, file: StoredFile) -> Item:
    attributes: Item = {f"{role}Key": {"S": file.key}}
    if file.sha256 is not None:
        attributes[f"{role}Sha256"] = {"S": file.sha256}
    if file.size_bytes is not None:
        attributes[f"{role}Size"] = _number(file.size_bytes)
    return attributes


def _former_attributes(file: StoredFile) -> Item:
    return _file_attributes(FileRole.FORMER, file)


def _target_attributes(targets: Targets | None) -> Item:
    if targets is None:
        return {}
    attributes: Item = {"targetCount": _number(targets.count)}
    if targets.inline is not None:
        attributes["targetDigests"] = {"B": targets.inline}
    if targets.has_groups:
        attributes["targetGroups"] = {"BOOL": True}
    return attributes


def _progress_attributes(request: JobRequest) -> Item:
    numbers = {
        "notBefore": request.not_before_ms,
        RUN: request.run if request.run > 1 else None,
        "attempt": request.attempt or None,
        FENCE: request.fence or None,
        LEASE_UNTIL: request.lease.until_ms if request.lease else None,
        "keepDays": request.keep_days,
        "requiredSucceeded": request.required_succeeded,
        "maximumMinutes": request.maximum_minutes,
        "gateUntil": request.gate_until_ms,
        "openUntil": request.open_until_ms,
        "closedAt": request.closed_ms,
    }
    texts = {
        OWNER: request.lease.owner if request.lease else None,
        "lastError": request.last_error or None,
        "gate": request.gate or None,
        "gateWave": request.gate_wave or None,
        "gateAsks": request.gate_asks or None,
        "imageVersion": request.image_version or None,
    }
    return {name: _number(value) for name, value in numbers.items() if value is not None} | {
        name: {"S": value} for name, value in texts.items() if value is not None
    }


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
    if request.ended_ms is not None:
        item["endedAt"] = _number(request.ended_ms)
        if request.keep_days is not None:
            expires = request.ended_ms // 1000 + request.keep_days * _DAY_SECONDS
            item[EXPIRES_AT] = _number(expires)
    return item


def _number(value: int) -> Item:
    return {"N": str(value)}
