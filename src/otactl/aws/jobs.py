"""IoT Jobs behind ``deploy.ports.Jobs`` (botocore ``iot``, control plane).

Of a job configuration only what is configured is sent, so that AWS's own defaults stand for the
rest (botocore ``iot`` CreateJobRequest).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from otactl.aws.clients import AwsClients
from otactl.aws.job_answer import job_description, listed_outcome, thing_outcome
from otactl.aws.translate import MISSING, translated
from otactl.deploy.ports import CreateJobRequest
from otactl.model.job_configuration import JobConfiguration
from otactl.model.members import AWS_NAMES, members_of
from otactl.model.outcome import ExecutionPage, ThingOutcome
from otactl.model.snapshot import JobDescription
from otactl.model.status import ExecutionStatus

if TYPE_CHECKING:
    from types_boto3_iot.type_defs import TagTypeDef

#: The most a page holds (botocore ``iot`` LaserMaxResults).
_PAGE = 250


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


class IotJobs:
    """IoT Jobs, control plane."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    @translated("iot")
    def create(self, request: CreateJobRequest) -> None:
        """Create a job."""
        self._clients.iot.create_job(**create_job_parameters(request))

    @translated("iot", {MISSING: None})
    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none."""
        return job_description(self._clients.iot.describe_job(jobId=job_id)["job"])

    @translated("iot")
    def cancel(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job; its executions in progress go on."""
        self._clients.iot.cancel_job(jobId=job_id, reasonCode=reason_code, comment=comment)

    @translated("iot")
    def force_cancel_job(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job and its executions in progress; only ``deploy.consent`` calls this."""
        self._clients.iot.cancel_job(
            jobId=job_id, reasonCode=reason_code, comment=comment, force=True
        )

    @translated("iot")
    def cancel_execution(
        self, job_id: str, thing_name: str, *, force: bool, details: Mapping[str, str]
    ) -> None:
        """Cancel the execution of a job on one thing; forced, also one in progress."""
        parameters: dict[str, Any] = {"jobId": job_id, "thingName": thing_name, "force": force}
        if details:
            parameters["statusDetails"] = dict(details)
        self._clients.iot.cancel_job_execution(**parameters)

    @translated("iot")
    def document(self, job_id: str) -> str:
        """The job document, as it was given."""
        return self._clients.iot.get_job_document(jobId=job_id).get("document", "")

    @translated("iot", {MISSING: None})
    def delete_job(self, job_id: str) -> None:
        """Delete a job and all its executions; only ``deploy.consent`` calls this.

        AWS takes its time, and refuses another call meanwhile: a repeated one, as after a lost
        answer, is as good as the first.
        """
        try:
            self._clients.iot.delete_job(jobId=job_id, force=True)
        except self._clients.iot.exceptions.InvalidStateTransitionException:
            job = self.describe(job_id)
            if job is not None and not job.is_being_deleted:
                raise

    def executions(
        self, job_id: str, status: ExecutionStatus | None = None
    ) -> Iterator[ThingOutcome]:
        """The executions of a job, page by page, without status details."""
        listed = self._clients.listed(
            *("iot", "list_job_executions_for_job", "executionSummaries"),
            jobId=job_id,
            PaginationConfig={"PageSize": _PAGE},
            **({} if status is None else {"status": status.value}),
        )
        return map(listed_outcome, listed)

    @translated("iot")
    def page(self, job_id: str, status: ExecutionStatus | None, token: str | None) -> ExecutionPage:
        """One page of the executions of a job: one call."""
        parameters: dict[str, Any] = {"jobId": job_id, "maxResults": _PAGE}
        if status is not None:
            parameters["status"] = status.value
        if token is not None:
            parameters["nextToken"] = token
        answer = self._clients.iot.list_job_executions_for_job(**parameters)
        return ExecutionPage(
            tuple(map(listed_outcome, answer["executionSummaries"])), answer.get("nextToken")
        )

    @translated("iot", {MISSING: None})
    def execution(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """The last execution of a job on a thing, with its status details."""
        answer = self._clients.iot.describe_job_execution(jobId=job_id, thingName=thing_name)
        execution = answer["execution"]
        details = execution.get("statusDetails", {}).get("detailsMap", {})
        return thing_outcome(thing_name, execution, details)
