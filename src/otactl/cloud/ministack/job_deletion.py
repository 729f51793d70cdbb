"""DeleteJob takes some time, as on AWS.

The executions are deleted at once, and their things notified. The job stays in
DELETION_IN_PROGRESS for a while: its id is in use, and it can be neither cancelled nor deleted
again. More than ten deletions at once in an account and region are refused (botocore ``iot``
DeleteJob; aws-facts A4). MiniStack deletes a job within the call.

Touched, in ``ministack.services.iot``: ``_delete_job`` is replaced; events, tags and notifications
are the same as MiniStack's.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ministack.core.responses import json_response, request_scope
from ministack.services import iot

from otactl.cloud.background import Background
from otactl.cloud.ministack.answer import account, refused
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.job_pace import JobPace
from otactl.cloud.ministack.shape import Changes, require_source
from otactl.model.status import ExecutionStatus, JobStatus

_MAX_DELETIONS = 10
_NEEDS_FORCE = (JobStatus.IN_PROGRESS, JobStatus.SCHEDULED)


class JobDeletion:
    """See the module.

    Args:
        seconds: Real seconds that a deletion takes, at any speed of the clock.
    """

    def __init__(self, background: Background, pace: JobPace, seconds: float) -> None:
        self._background = background
        self._pace = pace
        self._seconds = seconds

    def install(self, changes: Changes) -> None:
        """Install it."""
        executions()
        require_source(iot._delete_job, '_tags.pop(job["jobArn"], None)')
        changes.put(iot, "_delete_job", self._delete_job, "job_id", "qp")

    async def _delete_job(self, job_id: str, qp: dict[str, str]) -> Any:
        job = iot._jobs.get(job_id)
        if job is None:
            return iot._error_not_found("Job", job_id)
        refusal = _refusal(job, force=iot._qp_bool(qp, "force"))
        if refusal is not None:
            return refusal
        job |= {"lastUpdatedAt": iot._jobs_now_ms(), "rolloutQueue": [], "cancelQueue": []}
        job["status"] = JobStatus.DELETION_IN_PROGRESS.value
        iot._job_event(job, "deletion_in_progress")
        heads: dict[str, str | None] = {}
        for execution in executions().of_job(job_id):
            thing = execution["thingName"]
            if not ExecutionStatus(execution["status"]).is_terminal:
                heads[thing] = iot.jobs_first_pending_job_id(thing)
            iot._job_execution_event(execution, "DELETED")
            del executions()[thing, job_id]
        account_id, region = account()
        self._background.run(f"the deletion of job {job_id}", self._end(account_id, region, job))
        await self._pace.notify(account_id, region, heads)
        return json_response({})

    async def _end(self, account_id: str, region: str, job: dict[str, Any]) -> None:
        await asyncio.sleep(self._seconds * self._background.speed)
        if iot._jobs.get_scoped(account_id, region, job["jobId"]) is not job:
            return  # MiniStack was reset
        async with iot.publishing_events():
            with request_scope(account_id, region):
                del iot._jobs[job["jobId"]]
                iot._tags.pop(job["jobArn"], None)
                iot._job_event(job, "deleted")


def _refusal(job: dict[str, Any], *, force: bool) -> Any:
    job_id, status = job["jobId"], job["status"]
    under_way = [one["status"] for one in iot._jobs.values()].count(JobStatus.DELETION_IN_PROGRESS)
    if status == JobStatus.DELETION_IN_PROGRESS or (status in _NEEDS_FORCE and not force):
        message = f"Job {job_id} in status {status} cannot be deleted"
        if status in _NEEDS_FORCE:
            message += " without force"
        return refused(f"{message}.", "InvalidStateTransitionException", 409)
    if under_way >= _MAX_DELETIONS:
        message = f"{_MAX_DELETIONS} jobs are being deleted already; try again later."
        return refused(message, "LimitExceededException", 410)
    return None
