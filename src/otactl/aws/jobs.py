"""IoT Jobs behind ``deploy.ports.Jobs`` (botocore ``iot``, control plane).

Only the configured members of a job configuration are sent, so AWS's defaults apply to the rest
(botocore ``iot`` CreateJobRequest). The service leaves a member out, or sends it empty, when a job
has no such policy (aws-facts A5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from otactl.aws.clients import AwsClients
from otactl.aws.translate import MISSING, translated
from otactl.deploy.ports import CreateJobRequest
from otactl.model.arn import Arn
from otactl.model.job_configuration import (
    AbortCriterion,
    JobConfiguration,
    PresignedUrl,
    RetryCriterion,
    Rollout,
    Scheduling,
)
from otactl.model.members import AWS_NAMES, members_of, value_of
from otactl.model.outcome import ExecutionPage, ThingOutcome
from otactl.model.quoting import well_formed
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection
from otactl.wire.job_event import COUNTERS

if TYPE_CHECKING:
    from types_boto3_iot.type_defs import TagTypeDef

V = TypeVar("V")

#: Largest page (botocore ``iot`` LaserMaxResults).
_PAGE = 250


def tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": text} for key, text in tags.items()]


def create_job_parameters(request: CreateJobRequest) -> dict[str, Any]:
    """The parameters of CreateJob."""
    configuration = request.configuration
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
    parameters: dict[str, Any] = {
        "jobId": request.job_id,
        "targets": list(request.targets),
        "document": request.document,
        "description": request.description,
        "targetSelection": configuration.target_selection.value,
        **members_of(policy, AWS_NAMES),
    }
    if request.tags:
        parameters["tags"] = tag_list(request.tags)
    return parameters


def job_description(job: Mapping[str, Any]) -> JobDescription:
    """The job of a DescribeJob answer."""
    details = job.get("jobProcessDetails", {})
    counts = {status: int(details.get(counter) or 0) for status, counter in COUNTERS.items()}
    return JobDescription(
        job_id=job["jobId"],
        status=JobStatus(job["status"]),
        counts=JobCounts(counts),
        description=well_formed(job.get("description") or ""),
        comment=well_formed(job.get("comment") or ""),
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
    """An execution, from its summary or its description."""
    return ThingOutcome(
        thing_name=thing_name,
        status=ExecutionStatus(execution["status"]),
        execution_number=int(execution.get("executionNumber", 1)),
        queued_at_ms=epoch_ms(execution.get("queuedAt")),
        started_at_ms=epoch_ms(execution.get("startedAt")),
        updated_at_ms=epoch_ms(execution.get("lastUpdatedAt")),
        status_details={well_formed(key): well_formed(text) for key, text in details.items()},
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
        """The job, or None if it does not exist."""
        return job_description(self._clients.iot.describe_job(jobId=job_id)["job"])

    @translated("iot")
    def cancel(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job; its executions in progress continue."""
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
        """The job document of a job."""
        return self._clients.iot.get_job_document(jobId=job_id).get("document", "")

    @translated("iot", {MISSING: None})
    def delete_job(self, job_id: str) -> None:
        """Delete a job and all its executions; only ``deploy.consent`` calls this.

        Deletion takes time, and AWS refuses another call meanwhile. Such a refusal counts as
        success: the call may be a retry after a lost answer.
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
