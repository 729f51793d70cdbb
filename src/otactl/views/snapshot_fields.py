"""A snapshot as JSON: what ``otactl monitor --output json`` prints and the page gets.

Times are ISO 8601 in UTC, durations seconds, rates per minute. What is not known is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.model.outcome import ThingOutcome
from otactl.model.progress import (
    AbortProgress,
    AlarmProgress,
    FollowedThing,
    Percentiles,
    RolloutProgress,
    RoundsProgress,
)
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.model.wave import gate_fields
from otactl.views.wording import instant

if TYPE_CHECKING:
    from otactl.model.json_output import deployment as json_deployment
    from otactl.model.json_output import progress as json_progress


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
    return {
        **fields,
        "counts": {status.value: job.counts[status] for status in ExecutionStatus},
        "total": job.counts.total,
        "finished": job.counts.terminal,
        "unnotified": snapshot.unnotified,
        "comment": job.comment,
        "reasonCode": job.reason_code,
        "createdAt": instant(job.created_at_ms) or None,
        "completedAt": instant(job.completed_at_ms) or None,
        "listed": snapshot.listed,
        "pace": _pace(snapshot),
        "eta": _eta(snapshot),
        "downloadSeconds": _percentiles(snapshot.download_seconds),
        "retries": _percentiles(snapshot.retries),
        "failures": [
            {
                "status": group.status.value,
                "reason": group.reason,
                "count": group.count,
                "examples": list(group.examples),
            }
            for group in snapshot.failures
        ],
        "silentCount": snapshot.silent_count,
        "silent": [
            {
                "thing": thing.thing_name,
                "silentSeconds": round(thing.silent_seconds),
                "step": thing.step,
            }
            for thing in snapshot.silent
        ],
        "rollout": _rollout(snapshot.rollout),
        "abort": [_abort(criterion) for criterion in snapshot.abort],
        "alarms": [_alarm(alarm) for alarm in snapshot.alarms],
        "rounds": _rounds(snapshot.rounds),
        "gate": gate_fields(snapshot.gate),
        "followed": [_followed(thing) for thing in snapshot.followed],
    }


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


def _pace(snapshot: JobSnapshot) -> json_progress.Pace | None:
    pace = snapshot.pace
    if pace is None:
        return None
    return {
        "notifiedPerMinute": round(pace.notified_per_minute, 2),
        "finishedPerMinute": round(pace.finished_per_minute, 2),
        "windowSeconds": round(pace.window_seconds, 1),
    }


def _eta(snapshot: JobSnapshot) -> json_progress.TimeLeft | None:
    eta = snapshot.eta
    if eta is None:
        return None
    return {
        "lowSeconds": round(eta.low_seconds),
        "likelySeconds": round(eta.likely_seconds),
        "highSeconds": None if eta.high_seconds is None else round(eta.high_seconds),
    }


def _percentiles(numbers: Percentiles) -> json_progress.Percentiles:
    return {
        "count": numbers.count,
        "p50": numbers.p50,
        "p90": numbers.p90,
        "p99": numbers.p99,
        "max": numbers.max,
    }


def _rollout(rollout: RolloutProgress | None) -> json_progress.Rollout | None:
    if rollout is None:
        return None
    return {
        "ratePerMinute": rollout.rate_per_minute,
        "maximumPerMinute": rollout.maximum_per_minute,
        "missingForRaise": rollout.missing_for_raise,
        "countsSuccesses": rollout.counts_successes,
    }


def _abort(abort: AbortProgress) -> json_progress.AbortDistance:
    return {
        "failureType": abort.failure_type.value,
        "thresholdPercentage": abort.threshold_percentage,
        "minNumberOfExecutedThings": abort.min_number_of_executed_things,
        "failed": abort.failed,
        "executed": abort.executed,
        "percentage": round(abort.percentage, 2),
        "missingExecutions": abort.missing_executions,
        "missingFailures": abort.missing_failures,
    }


def _alarm(alarm: AlarmProgress) -> json_progress.Alarm:
    return {
        "name": alarm.name,
        "state": alarm.state.value,
        "since": instant(alarm.since_ms) or None,
        "reason": alarm.reason,
    }


def _rounds(rounds: RoundsProgress | None) -> json_progress.Rounds | None:
    if rounds is None:
        return None
    return {
        "current": rounds.current,
        "planned": rounds.planned,
        "done": [
            {
                "round": done.round,
                "status": done.status,
                "counts": {status.value: count for status, count in done.counts.items()},
                "durationSeconds": round(done.duration_seconds, 1),
            }
            for done in rounds.done
        ],
    }


def _followed(thing: FollowedThing) -> json_progress.FollowedThing:
    return {
        "thing": thing.thing_name,
        "status": None if thing.status is None else thing.status.value,
        "step": thing.step,
        "receivedBlocks": thing.received_blocks,
        "totalBlocks": thing.total_blocks,
        "silentSeconds": None
        if thing.silent_after_seconds is None
        else round(thing.silent_after_seconds, 1),
        "heard": thing.heard,
        "connected": thing.connected,
        "statusDetails": dict(thing.status_details),
    }
