"""A snapshot as JSON: what ``otactl monitor --output json`` prints and the page gets.

Times are ISO 8601 in UTC, durations seconds, rates per minute. Unknown values are null.
"""

from __future__ import annotations

from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output import progress as json_progress
from otactl.model.json_output.shaping import shaped
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.views.wording import instant


def snapshot_fields(job_id: str, snapshot: JobSnapshot) -> json_progress.Progress:
    """A snapshot as JSON fields."""
    job = snapshot.job
    fields: json_progress.Progress = {
        "jobId": job_id,
        "at": instant(snapshot.at_ms),
        "status": None if job is None else job.status.value,
        "exists": job is not None and not snapshot.gone,
        "things": snapshot.things,
        "source": snapshot.source.value,
        "note": snapshot.note,
        "polledAt": instant(snapshot.polled_ms) or None,
    }
    if job is None:
        return fields
    return shaped(
        json_progress.Progress,
        snapshot,
        **fields,
        counts={status.value: job.counts[status] for status in ExecutionStatus},
        total=job.counts.total,
        finished=job.counts.terminal,
        comment=job.comment,
        reasonCode=job.reason_code,
        createdAt=instant(job.created_at_ms) or None,
        completedAt=instant(job.completed_at_ms) or None,
    )


def execution_fields(outcome: ThingOutcome) -> json_deployment.Execution:
    """An execution as JSON fields; times are epoch milliseconds, as in the calls of AWS's SDKs."""
    return {
        "thing": outcome.thing_name,
        "status": outcome.status.value,
        "executionNumber": outcome.execution_number,
        "queuedAt": outcome.queued_at_ms,
        "startedAt": outcome.started_at_ms,
        "lastUpdatedAt": outcome.updated_at_ms,
        "statusDetails": dict(outcome.status_details),
    }
