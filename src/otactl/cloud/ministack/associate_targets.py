"""AssociateTargetsWithJob, which MiniStack has not.

A CONTINUOUS job in progress takes further thing groups, a hundred targets in all (aws-facts A8).
Their things wait for the rollout as those of the job's first targets did.

Touched, in ``ministack.services.iot``: ``_handle_job`` is wrapped.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import iot

from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.job_pace import JobPace
from otactl.cloud.ministack.shape import require_parameters
from otactl.model.status import JobStatus, TargetSelection
from otactl.rules.rollout import MINUTE_MS

_TARGETS = re.compile(r"/jobs/([^/]+)/targets")
_MAX_TARGETS = 100


def install(pace: JobPace) -> None:
    """Put it in place.

    Args:
        pace: Notifies the things of the new targets.

    Raises:
        ShapeChanged: MiniStack's jobs are not those this was written for.
    """
    handle = iot._handle_job
    require_parameters(handle, "method", "path", "body", "qp")

    async def handle_job(method: str, path: str, body: bytes, qp: dict[str, str]) -> Any:
        job_id = _TARGETS.fullmatch(path)
        if method != "POST" or job_id is None:
            return await handle(method, path, body, qp)
        return _associate(job_id[1], iot._parse_body(body), pace)

    iot._handle_job = handle_job


def _associate(job_id: str, payload: dict[str, Any], pace: JobPace) -> Any:
    job, targets = iot._jobs.get(job_id), payload["targets"]
    if job is None:
        return _refused("ResourceNotFoundException", f"Job {job_id} cannot be found.", 404)
    if (
        job["targetSelection"] != TargetSelection.CONTINUOUS
        or job["status"] != JobStatus.IN_PROGRESS
    ):
        message = f"Job {job_id} must be CONTINUOUS and IN_PROGRESS to take further targets."
        return _refused("InvalidRequestException", message, 400)
    for arn in targets:
        if ":thinggroup/" not in arn:
            return _refused("InvalidRequestException", f"{arn} is not a thing group.", 400)
        if iot._job_target_resolve(arn) is None:
            return _refused("ResourceNotFoundException", iot._job_target_not_found(arn), 404)
    together = list(dict.fromkeys([*job["targets"], *targets]))
    if len(together) > _MAX_TARGETS:
        message = f"Job {job_id} would have more than {_MAX_TARGETS} targets."
        return _refused("LimitExceededException", message, 410)
    job |= {"targets": together, "lastUpdatedAt": iot._jobs_now_ms()}
    if payload.get("comment") is not None:
        job["comment"] = payload["comment"]
    _roll_out(job, targets, pace)
    answer = {"jobArn": job["jobArn"], "jobId": job_id}
    if job.get("description") is not None:
        answer["description"] = job["description"]
    return json_response(answer)


def _roll_out(job: dict[str, Any], targets: list[str], pace: JobPace) -> None:
    waiting = job.get("rolloutQueue") or []
    known = {*waiting, *(one["thingName"] for one in executions().of_job(job["jobId"]))}
    if not waiting:
        job["rolloutBatchAt"] = iot._jobs_now_ms() - MINUTE_MS
    job["rolloutQueue"] = waiting + [
        thing for thing in iot._job_target_things(targets) if thing not in known
    ]
    pace.start(get_account_id(), get_region(), job)


def _refused(code: str, message: str, status: int) -> Any:
    return error_response_json(code, message, status)
