"""The parameters of CreateJob for a job configuration (botocore ``iot`` CreateJobRequest).

Only what is configured is sent, so that AWS's own defaults stand for the rest.
"""

from __future__ import annotations

from typing import Any

from otactl.aws.tags import tag_list
from otactl.deploy.ports import JobRequest
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    Rollout,
    Scheduling,
)


def create_job_parameters(request: JobRequest) -> dict[str, Any]:
    """The parameters of CreateJob."""
    parameters: dict[str, Any] = {
        "jobId": request.job_id,
        "targets": list(request.targets),
        "document": request.document,
        "description": request.description,
        "targetSelection": request.configuration.target_selection.value,
        **job_policy_parameters(request.configuration),
    }
    if request.tags:
        parameters["tags"] = tag_list(request.tags)
    return parameters


def job_policy_parameters(configuration: JobConfiguration) -> dict[str, Any]:
    """The part of CreateJob that says how the job is rolled out, aborted, timed out, retried."""
    parameters: dict[str, Any] = {}
    if configuration.rollout is not None:
        parameters["jobExecutionsRolloutConfig"] = _rollout(configuration.rollout)
    if configuration.abort_criteria:
        parameters["abortConfig"] = {
            "criteriaList": [_abort(criterion) for criterion in configuration.abort_criteria]
        }
    if configuration.in_progress_timeout_minutes is not None:
        parameters["timeoutConfig"] = {
            "inProgressTimeoutInMinutes": configuration.in_progress_timeout_minutes
        }
    if configuration.retry_criteria:
        parameters["jobExecutionsRetryConfig"] = {
            "criteriaList": [
                {
                    "failureType": criterion.failure_type.value,
                    "numberOfRetries": criterion.number_of_retries,
                }
                for criterion in configuration.retry_criteria
            ]
        }
    if configuration.presigned_url is not None:
        parameters["presignedUrlConfig"] = {
            "roleArn": configuration.presigned_url.role_arn,
            "expiresInSec": configuration.presigned_url.expires_in_seconds,
        }
    if configuration.scheduling is not None:
        parameters["schedulingConfig"] = _scheduling(configuration.scheduling)
    return parameters


def _rollout(rollout: Rollout) -> dict[str, Any]:
    parameters: dict[str, Any] = {"maximumPerMinute": rollout.maximum_per_minute}
    if rollout.exponential_rate is not None:
        parameters["exponentialRate"] = _exponential_rate(rollout.exponential_rate)
    return parameters


def _exponential_rate(rate: ExponentialRate) -> dict[str, Any]:
    criteria = rate.rate_increase_criteria
    increase = {
        "numberOfNotifiedThings": criteria.number_of_notified_things,
        "numberOfSucceededThings": criteria.number_of_succeeded_things,
    }
    return {
        "baseRatePerMinute": rate.base_rate_per_minute,
        "incrementFactor": rate.increment_factor,
        "rateIncreaseCriteria": {
            name: number for name, number in increase.items() if number is not None
        },
    }


def _abort(criterion: AbortCriterion) -> dict[str, Any]:
    return {
        "failureType": criterion.failure_type.value,
        "action": "CANCEL",
        "thresholdPercentage": criterion.threshold_percentage,
        "minNumberOfExecutedThings": criterion.min_number_of_executed_things,
    }


def _scheduling(scheduling: Scheduling) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "startTime": scheduling.start_time,
        "endTime": scheduling.end_time,
        "endBehavior": scheduling.end_behavior,
        "maintenanceWindows": [
            {"startTime": window.start_time, "durationInMinutes": window.duration_minutes}
            for window in scheduling.maintenance_windows
        ],
    }
    return {name: member for name, member in parameters.items() if member}
