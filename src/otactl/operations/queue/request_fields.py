"""A request of the queue as JSON fields, for scripts and reports."""

from __future__ import annotations

from datetime import UTC, datetime

from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import JobRequest, MalformedRequest, Outcome
from otactl.jobqueue.schedule import Wait
from otactl.model.json_output import queue as json_queue
from otactl.model.json_output.shaping import shaped


def request_fields(request: JobRequest | MalformedRequest) -> json_queue.Request:
    """A request as ``--output json`` shows it."""
    if isinstance(request, MalformedRequest):
        return {
            "jobId": None,
            "timestamp": request.order_key,
            "state": request.state.value,
            "failure": {"kind": "refused", "reason": request.reason},
        }
    required, lease = request.required_succeeded, request.lease
    return shaped(
        json_queue.Request,
        request,
        addedAt=iso(request.added_ms),
        notBefore=iso(request.not_before_ms),
        after=[job_id_of(key) for key in request.after],
        requiredSucceededPercentage=None if required is None else required / 100,
        targets=None if request.targets is None else request.targets.count,
        image=request.image.name,
        files={file.name: file.sha256 for file in request.files},
        owner=lease.owner if lease else None,
        leaseUntil=iso(lease.until_ms) if lease else None,
        gateUntil=iso(request.gate_until_ms),
        outcome=None if request.outcome is None else _outcome_fields(request.outcome),
        endedAt=iso(request.ended_ms),
        openUntil=iso(request.open_until_ms),
        closedAt=iso(request.closed_ms),
    )


def _outcome_fields(outcome: Outcome) -> json_queue.RequestOutcome:
    things = outcome.to_roll_back
    rollback = things is not None and {"things": things, "succeeded": outcome.rolled_back or 0}
    return shaped(json_queue.RequestOutcome, outcome, rollback=rollback or None)


def wait_fields(wait: Wait | None) -> json_queue.Waiting:
    """What a pending request waits for."""
    return {"waitsFor": None if wait is None else shaped(json_queue.Wait, wait)}


def iso(moment_ms: int | None) -> str | None:
    """A time in ISO 8601, UTC."""
    if moment_ms is None:
        return None
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
