"""The lifecycle events of IoT Jobs (Developer Guide, events-jobs; aws-facts F4).

A job has events when it is completed, canceled or deleted; an execution only when it reaches a
terminal status or is deleted. On AWS an execution's event carries no execution number. Events may
arrive twice and in any order, so each has an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from otactl.model.arn import Arn
from otactl.model.identifier import is_job_id, is_thing_name
from otactl.model.quoting import well_formed
from otactl.model.status import ExecutionStatus
from otactl.wire.error import WireError
from otactl.wire.job_payload import load_object
from otactl.wire.job_topic import EventTopic

#: The counter of each status in JobProcessDetails, ``numberOfTimedOutThings``.
COUNTERS = {
    status: f"numberOf{status.value.title().replace('_', '')}Things" for status in ExecutionStatus
}
#: A larger time is in milliseconds: the guide's examples show both units (aws-facts F4).
_LATEST_SECONDS = 100_000_000_000
#: The year 10000, which no date can be shown of.
_END_OF_TIME_MS = 253_402_300_800_000
_MAX_TEXT = 2028


class JobOperation(StrEnum):
    """What happened to a job: the last level of its event's topic."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    DELETED = "deleted"
    CANCELLATION_IN_PROGRESS = "cancellation_in_progress"
    DELETION_IN_PROGRESS = "deletion_in_progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something happened to a job.

    Attributes:
        counts: Executions by terminal status; None while the job runs.
    """

    event_id: str
    job_id: str
    at_ms: int
    operation: JobOperation
    counts: Mapping[ExecutionStatus, int] | None = None
    comment: str = ""
    reason_code: str = ""
    force_canceled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEvent:
    """An execution reached a terminal status, or was deleted.

    Attributes:
        status: None when it was deleted.
        execution_number: None on AWS, which does not send it.
    """

    event_id: str
    job_id: str
    at_ms: int
    thing_name: str
    status: ExecutionStatus | None
    status_details: Mapping[str, str] = field(default_factory=dict)
    execution_number: int | None = None


def decode_event(topic: str, body: bytes) -> JobEvent | ExecutionEvent | None:
    """Read an event.

    Returns:
        None for any other topic or operation.

    Raises:
        WireError: The body is not a valid event.
    """
    parsed = EventTopic.parse(topic)
    if parsed is None or not is_job_id(parsed.job_id):
        return None
    fields = load_object(body)
    event_id = fields.get("eventId")
    if not isinstance(event_id, str) or not event_id:
        raise WireError("InvalidJson", "the event has no eventId")
    if parsed.is_execution:
        return _execution_event(parsed, event_id, fields)
    return _job_event(parsed, event_id, fields)


def _job_event(topic: EventTopic, event_id: str, fields: dict[str, Any]) -> JobEvent | None:
    try:
        operation = JobOperation(topic.event)
    except ValueError:
        return None
    details = fields.get("jobProcessDetails")
    return JobEvent(
        event_id=event_id,
        job_id=topic.job_id,
        at_ms=_at_ms(fields),
        operation=operation,
        counts=_counts(details) if isinstance(details, dict) else None,
        comment=_text(fields, "comment"),
        reason_code=_text(fields, "reasonCode"),
        force_canceled=fields.get("forceCanceled") is True,
    )


def _execution_event(
    topic: EventTopic, event_id: str, fields: dict[str, Any]
) -> ExecutionEvent | None:
    try:
        status = None if topic.event == "deleted" else ExecutionStatus(topic.event.upper())
    except ValueError:
        return None
    details = fields.get("statusDetails")
    number = fields.get("executionNumber")
    return ExecutionEvent(
        event_id=event_id,
        job_id=topic.job_id,
        at_ms=_at_ms(fields),
        thing_name=_thing_name(fields.get("thingArn")),
        status=status,
        status_details=(
            {well_formed(str(key)): well_formed(str(detail)) for key, detail in details.items()}
            if isinstance(details, dict)
            else {}
        ),
        execution_number=number if isinstance(number, int) and number > 0 else None,
    )


def _thing_name(text: Any) -> str:
    try:
        name = Arn.parse(str(text)).resource_name
    except ValueError as error:
        raise WireError("InvalidJson", f"thingArn is {str(text)[:200]!r}, no ARN") from error
    if not is_thing_name(name):
        raise WireError("InvalidJson", f"thingArn names {name[:200]!r}, which is no thing name")
    return name


def _counts(details: dict[str, Any]) -> dict[ExecutionStatus, int]:
    return {
        status: count
        for status, counter in COUNTERS.items()
        # A finished job has no QUEUED and IN_PROGRESS counters.
        if status.is_terminal and isinstance(count := details.get(counter), int) and count > 0
    }


def _at_ms(fields: dict[str, Any]) -> int:
    time = fields.get("timestamp")
    if (
        isinstance(time, bool)
        or not isinstance(time, int | float)
        or not 0 <= time < _END_OF_TIME_MS
    ):
        raise WireError("InvalidJson", f"timestamp is {time!r}, which is no time")
    return int(time) if time > _LATEST_SECONDS else round(time * 1000)


def _text(fields: dict[str, Any], key: str) -> str:
    text = fields.get(key)
    return well_formed(text[:_MAX_TEXT]) if isinstance(text, str) else ""
