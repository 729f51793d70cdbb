"""What DescribeJob and the lists of executions answer, as our values (botocore ``iot`` shapes).

The service leaves a member out, or sends it empty, when a job has no such policy (aws-facts A5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from otactl.model.arn import Arn
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    PresignedUrl,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
    Scheduling,
)
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, FailureType, JobStatus, TargetSelection

# The counters of JobProcessDetails, by what they count.
_COUNTERS = {
    ExecutionStatus.QUEUED: "numberOfQueuedThings",
    ExecutionStatus.IN_PROGRESS: "numberOfInProgressThings",
    ExecutionStatus.SUCCEEDED: "numberOfSucceededThings",
    ExecutionStatus.FAILED: "numberOfFailedThings",
    ExecutionStatus.REJECTED: "numberOfRejectedThings",
    ExecutionStatus.TIMED_OUT: "numberOfTimedOutThings",
    ExecutionStatus.CANCELED: "numberOfCanceledThings",
    ExecutionStatus.REMOVED: "numberOfRemovedThings",
}


def job_description(job: Mapping[str, Any]) -> JobDescription:
    """The job of a DescribeJob answer."""
    details = job.get("jobProcessDetails", {})
    counts = {status: int(details.get(counter) or 0) for status, counter in _COUNTERS.items()}
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
    presigned = job.get("presignedUrlConfig") or {}
    schedule = job.get("schedulingConfig") or {}
    return JobConfiguration(
        target_selection=TargetSelection(job.get("targetSelection") or TargetSelection.SNAPSHOT),
        rollout=_rollout(job.get("jobExecutionsRolloutConfig") or {}),
        abort_criteria=tuple(
            AbortCriterion(
                failure_type=FailureType(criterion["failureType"]),
                threshold_percentage=float(criterion["thresholdPercentage"]),
                min_number_of_executed_things=int(criterion["minNumberOfExecutedThings"]),
            )
            for criterion in (job.get("abortConfig") or {}).get("criteriaList", ())
        ),
        in_progress_timeout_minutes=(job.get("timeoutConfig") or {}).get(
            "inProgressTimeoutInMinutes"
        ),
        retry_criteria=tuple(
            RetryCriterion(
                failure_type=FailureType(criterion["failureType"]),
                number_of_retries=int(criterion["numberOfRetries"]),
            )
            for criterion in (job.get("jobExecutionsRetryConfig") or {}).get("criteriaList", ())
        ),
        presigned_url=(
            PresignedUrl(
                role_arn=presigned["roleArn"],
                expires_in_seconds=int(presigned.get("expiresInSec", 3600)),
            )
            if presigned.get("roleArn")
            else None
        ),
        scheduling=(
            Scheduling(
                start_time=schedule.get("startTime"),
                end_time=schedule.get("endTime"),
                end_behavior=schedule.get("endBehavior"),
            )
            if schedule
            else None
        ),
    )


def _rollout(rollout: Mapping[str, Any]) -> Rollout | None:
    if not rollout.get("maximumPerMinute"):
        return None
    rate = rollout.get("exponentialRate") or {}
    criteria = rate.get("rateIncreaseCriteria") or {}
    return Rollout(
        maximum_per_minute=int(rollout["maximumPerMinute"]),
        exponential_rate=(
            ExponentialRate(
                base_rate_per_minute=int(rate["baseRatePerMinute"]),
                increment_factor=float(rate["incrementFactor"]),
                rate_increase_criteria=RateIncreaseCriteria(
                    number_of_notified_things=criteria.get("numberOfNotifiedThings"),
                    number_of_succeeded_things=criteria.get("numberOfSucceededThings"),
                ),
            )
            if rate
            else None
        ),
    )
