"""A request of the queue as JSON fields, for scripts and reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import MalformedRequest

if TYPE_CHECKING:
    from otactl.jobqueue.request import JobRequest
    from otactl.jobqueue.schedule import Wait
    from otactl.model.json_output import queue as json_queue


def request_fields(request: JobRequest | MalformedRequest) -> json_queue.Request:
    """A request as ``--output json`` shows it."""
    if isinstance(request, MalformedRequest):
        return {
            "jobId": None,
            "timestamp": request.order_key,
            "state": request.state.value,
            "failure": {"kind": "refused", "reason": request.reason},
        }
    return {
        "jobId": request.job_id,
        "timestamp": request.order_key,
        "state": request.state.value,
        "priority": request.priority.value,
        "addedAt": iso(request.added_ms),
        "notBefore": iso(request.not_before_ms),
        "after": [job_id_of(key) for key in request.after],
        "series": None
        if request.series is None
        else {
            "name": request.series.name,
            "part": request.series.part,
            "parts": request.series.parts,
        },
        "requiredSucceededPercentage": None
        if request.required_succeeded is None
        else request.required_succeeded / 100,
        "maximumMinutes": request.maximum_minutes,
        "targets": None if request.targets is None else request.targets.count,
        "image": request.image.name,
        "imageVersion": request.image_version or None,
        "bucket": request.bucket,
        "files": {file.name: file.sha256 for file in request.files},
        "awsJobId": request.aws_job_id,
        "deploymentId": request.deployment_id,
        "run": request.run,
        "attempt": request.attempt,
        "fence": request.fence,
        "owner": request.lease.owner if request.lease else None,
        "leaseUntil": iso(request.lease.until_ms) if request.lease else None,
        "lastError": request.last_error or None,
        "gate": request.gate or None,
        "gateWave": request.gate_wave or None,
        "gateAsks": request.gate_asks or None,
        "gateUntil": iso(request.gate_until_ms),
        "outcome": None
        if request.outcome is None
        else {
            "things": request.outcome.things,
            "succeeded": request.outcome.succeeded,
            "notSucceeded": request.outcome.not_succeeded,
            "rounds": request.outcome.rounds,
            "rollback": None
            if request.outcome.to_roll_back is None
            else {
                "things": request.outcome.to_roll_back,
                "succeeded": request.outcome.rolled_back or 0,
            },
        },
        "failure": None
        if request.failure is None
        else {
            "kind": request.failure.kind.value,
            "reason": request.failure.reason,
            "exitCode": request.failure.exit_code,
        },
        "endedAt": iso(request.ended_ms),
        "openUntil": iso(request.open_until_ms),
        "closedAt": iso(request.closed_ms),
    }


def wait_fields(wait: Wait | None) -> json_queue.Waiting:
    """What a pending request waits for."""
    if wait is None:
        return {"waitsFor": None}
    return {"waitsFor": {"reason": wait.reason.value, "request": wait.on or None}}


def iso(moment_ms: int | None) -> str | None:
    """A time for people and scripts alike, UTC."""
    if moment_ms is None:
        return None
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
