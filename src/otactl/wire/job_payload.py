"""The payloads of IoT Jobs between a device and the service (botocore ``iot-jobs-data`` shapes).

Times are whole epoch seconds here (aws-facts F1). The job document is a JSON object over MQTT and
a string over HTTP; both are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otactl.model.identifier import is_job_id
from otactl.model.status import ExecutionStatus
from otactl.wire.error import WireError

MAX_STATUS_DETAILS = 10
MAX_DETAIL_KEY_LENGTH = 128
#: The limit is 1024 in the model, 128 in an older guide (aws-facts E1); the smaller is safe.
MAX_DETAIL_VALUE_LENGTH = 128

# More digits than any counter, time or file size has; int() itself refuses far longer ones.
_DIGITS = 20
_STATUSES = {status.value: status for status in ExecutionStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobExecution:
    """One job execution as a device sees it."""

    job_id: str
    status: ExecutionStatus
    job_document: Mapping[str, Any] = field(default_factory=dict)
    status_details: Mapping[str, str] = field(default_factory=dict)
    execution_number: int = 1
    version_number: int = 1
    queued_at_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRejected:
    """The service refused a request of a device.

    Attributes:
        current_status: The execution's state, if the service sends it (InvalidStateTransition,
            VersionMismatch).
        current_version: Its version number, likewise.
    """

    code: str
    message: str
    client_token: str | None = None
    current_status: ExecutionStatus | None = None
    current_version: int | None = None


def load_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WireError: It is not a JSON object (code ``InvalidJson``).
    """
    try:
        fields = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise WireError("InvalidJson", f"the payload is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise WireError("InvalidJson", "the payload is not a JSON object")
    return fields


def encode_start_next(client_token: str, status_details: Mapping[str, str] | None = None) -> bytes:
    """Write a StartNextPendingJobExecution request."""
    return _dump({"statusDetails": dict(status_details or {}) or None, "clientToken": client_token})


def encode_describe(client_token: str) -> bytes:
    """Write a DescribeJobExecution request that includes the document."""
    return _dump({"includeJobDocument": True, "clientToken": client_token})


def encode_update(
    status: ExecutionStatus,
    *,
    client_token: str,
    status_details: Mapping[str, str],
    expected_version: int | None = None,
    execution_number: int | None = None,
) -> bytes:
    """Write an UpdateJobExecution request.

    Details beyond the service's limits are cut, never refused: a device must be able to report a
    failure whose reason is long.
    """
    details = {
        key[:MAX_DETAIL_KEY_LENGTH]: "".join(
            character if character.isprintable() else " " for character in value
        )[:MAX_DETAIL_VALUE_LENGTH]
        or "-"
        for key, value in list(status_details.items())[:MAX_STATUS_DETAILS]
    }
    return _dump(
        {
            "status": status.value,
            "statusDetails": details or None,
            "expectedVersion": expected_version,
            "executionNumber": execution_number,
            "clientToken": client_token,
        }
    )


def decode_execution_answer(body: bytes) -> tuple[JobExecution | None, str | None]:
    """Read the answer to start-next or describe, or a notify-next: the execution and the token.

    The execution is None when nothing is pending.

    Raises:
        WireError: It is not a valid answer.
    """
    fields = load_object(body)
    token = fields.get("clientToken")
    execution = fields.get("execution")
    return (
        # AWS omits the member when nothing is pending; an empty one means the same.
        decode_execution(execution) if execution not in (None, {}) else None,
        token if isinstance(token, str) else None,
    )


def decode_execution(fields: Any) -> JobExecution:
    """Read one execution.

    Raises:
        WireError: A field is missing or has the wrong type.
    """
    if not isinstance(fields, dict):
        raise WireError("InvalidJson", "the execution is not a JSON object")
    job_id = fields.get("jobId")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        raise WireError("InvalidJson", f"jobId is {job_id!r}, which is no job id")
    return JobExecution(
        job_id=job_id,
        status=_status(fields.get("status", ExecutionStatus.QUEUED)),
        job_document=_document(fields.get("jobDocument")),
        status_details=_details(fields.get("statusDetails")),
        execution_number=_whole(fields, "executionNumber", 1),
        version_number=_whole(fields, "versionNumber", 1),
        queued_at_seconds=_seconds(fields, "queuedAt"),
    )


def _status(status: Any) -> ExecutionStatus:
    try:
        return ExecutionStatus(status)
    except ValueError as error:
        raise WireError("InvalidJson", f"{status!r} is no status of an execution") from error


def _document(document: Any) -> dict[str, Any]:
    """The job document: an object over MQTT, a string over HTTP, absent if not requested."""
    if isinstance(document, str):
        document = load_object(document.encode(errors="replace"))
    if document is not None and not isinstance(document, dict):
        raise WireError("InvalidJson", "the job document is not a JSON object")
    return document or {}


def _details(details: Any) -> dict[str, str]:
    if details is None:
        return {}
    if not isinstance(details, dict):
        raise WireError("InvalidJson", "statusDetails is not a JSON object")
    return {str(key): str(detail) for key, detail in details.items()}


def whole_number(found: Any) -> int | None:
    """A whole number, quoted or not, as AWS's own library sends them (aws-facts E1); else None."""
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < _DIGITS:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _whole(fields: dict[str, Any], key: str, default: int) -> int:
    number = whole_number(fields.get(key, default))
    if number is None or number < 0:
        raise WireError("InvalidJson", f"{key} is {fields[key]!r}, which is no whole number")
    return number


def _seconds(fields: dict[str, Any], key: str) -> int | None:
    return None if fields.get(key) is None else _whole(fields, key, 0)


def decode_job_rejected(body: bytes) -> JobRejected:
    """Read a refusal.

    Raises:
        WireError: It is not JSON.
    """
    fields = load_object(body)
    state = fields.get("executionState")
    state = state if isinstance(state, dict) else {}
    status = state.get("status")
    version = state.get("versionNumber")
    token = fields.get("clientToken")
    return JobRejected(
        code=str(fields.get("code", "InternalError")),
        message=str(fields.get("message", "")),
        client_token=token if isinstance(token, str) else None,
        current_status=_STATUSES.get(status) if isinstance(status, str) else None,
        current_version=version if isinstance(version, int) else None,
    )


def _dump(fields: dict[str, Any]) -> bytes:
    present = {key: member for key, member in fields.items() if member is not None}
    return json.dumps(present, separators=(",", ":")).encode()
