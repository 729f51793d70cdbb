"""The parameters of CreateJob for a job configuration (botocore ``iot`` CreateJobRequest).

Only what is configured is sent, so that AWS's own defaults stand for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otactl.deploy.ports import CreateJobRequest
from otactl.model.job_configuration import JobConfiguration
from otactl.model.members import AWS_NAMES, members_of

if TYPE_CHECKING:
    from types_boto3_iot.type_defs import TagTypeDef


def tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": text} for key, text in tags.items()]


def create_job_parameters(request: CreateJobRequest) -> dict[str, Any]:
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
    timeout, retries = configuration.in_progress_timeout_minutes, configuration.retry_criteria
    aborts = [members_of(one) | {"action": "CANCEL"} for one in configuration.abort_criteria]
    policy = {
        "jobExecutionsRolloutConfig": configuration.rollout,
        "abortConfig": {"criteriaList": aborts},
        "timeoutConfig": {"inProgressTimeoutInMinutes": timeout},
        "jobExecutionsRetryConfig": {"criteriaList": retries},
        "presignedUrlConfig": configuration.presigned_url,
        "schedulingConfig": configuration.scheduling,
    }
    parameters: dict[str, Any] = members_of(policy, AWS_NAMES)
    return parameters
