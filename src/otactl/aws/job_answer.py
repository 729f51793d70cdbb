"""What DescribeJob and the lists of executions answer, as our values (botocore ``iot`` shapes).

The service leaves a member out, or sends it empty, when a job has no such policy (aws-facts A5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from otactl.model.arn import Arn
from otactl.model.job_configuration import (
    AbortCriterion,
    JobConfiguration,
    PresignedUrl,
    RetryCriterion,
    Rollout,
    Scheduling,
)
from otactl.model.members import value_of
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection
from otactl.wire.job_event import COUNTERS

V = TypeVar("V")


def job_description(job: Mapping[str, Any]) -> JobDescription:
    """The job of a DescribeJob answer."""
    details = job.get("jobProcessDetails", {})
    counts = {status: int(details.get(counter) or 0) for status, counter in COUNTERS.items()}
    return JobDescription(
        job_id=job["jobId"],
        status=JobStatus(job["status"]),
        counts=JobCounts(counts),
        description=job.get("description") or "",
        comment=job.get("comment") or "",
        reason_code=job.get("reasonCode") or "",
        force_canceled=bool(job.get("forceCanceled")),
        rolling_out=bool(job.get("isConcurrent")),
        targets=tuple(job.get("targets", ())),
        created_at_ms=epoch_ms(job.get("createdAt")) or 0,
        completed_at_ms=epoch_ms(job.get("completedAt")),
        configuration=_configuration(job),
    )


def thing_outcome(
    thing_name: str, execution: Mapping[str, Any], details: Mapping[str, str]
) -> ThingOutcome:
    """An execution, as a summary or a description of its own gives it."""
    return ThingOutcome(
        thing_name=thing_name,
        status=ExecutionStatus(execution["status"]),
        execution_number=int(execution.get("executionNumber", 1)),
        queued_at_ms=epoch_ms(execution.get("queuedAt")),
        started_at_ms=epoch_ms(execution.get("startedAt")),
        updated_at_ms=epoch_ms(execution.get("lastUpdatedAt")),
        status_details=dict(details),
    )


def listed_outcome(entry: Mapping[str, Any]) -> ThingOutcome:
    """An entry of ListJobExecutionsForJob."""
    return thing_outcome(
        Arn.parse(entry["thingArn"]).resource_name, entry["jobExecutionSummary"], {}
    )


def epoch_ms(time: datetime | None) -> int | None:
    """A time of the control plane in epoch milliseconds."""
    return None if time is None else round(time.timestamp() * 1000)


def _configuration(job: Mapping[str, Any]) -> JobConfiguration:
    def policy(name: str) -> Mapping[str, Any]:
        return job.get(name) or {}

    def criteria(kind: type[V], name: str) -> tuple[V, ...]:
        return tuple(value_of(kind, each) for each in policy(name).get("criteriaList", ()))

    rollout = {name: each for name, each in policy("jobExecutionsRolloutConfig").items() if each}
    presigned, schedule = policy("presignedUrlConfig"), policy("schedulingConfig")
    return JobConfiguration(
        target_selection=TargetSelection(job.get("targetSelection") or TargetSelection.SNAPSHOT),
        rollout=value_of(Rollout, rollout) if "maximumPerMinute" in rollout else None,
        abort_criteria=criteria(AbortCriterion, "abortConfig"),
        in_progress_timeout_minutes=policy("timeoutConfig").get("inProgressTimeoutInMinutes"),
        retry_criteria=criteria(RetryCriterion, "jobExecutionsRetryConfig"),
        presigned_url=value_of(PresignedUrl, presigned) if presigned.get("roleArn") else None,
        scheduling=value_of(Scheduling, schedule) if schedule else None,
    )
