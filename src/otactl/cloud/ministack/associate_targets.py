"""AssociateTargetsWithJob, which MiniStack lacks.

A CONTINUOUS job in progress accepts more thing groups, up to a hundred targets (aws-facts A8).
Their things wait for the rollout like those of the job's first targets.

Touched, in ``ministack.services.iot``: ``_handle_job`` is wrapped.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import account, refused
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.job_pace import JobPace
from otactl.cloud.ministack.shape import Changes
from otactl.model.status import JobStatus, TargetSelection
from otactl.rules.rollout import MINUTE_MS

_TARGETS = re.compile(r"/jobs/([^/]+)/targets")
_MAX_TARGETS = 100


def install(changes: Changes, pace: JobPace) -> None:
    """Install it; ``pace`` notifies the things of the new targets."""

    @changes.around(iot, "_handle_job", "method", "path", "body", "qp")
    async def handle_job(
        handle: Any, method: str, path: str, body: bytes, qp: dict[str, str]
    ) -> Any:
        job_id = _TARGETS.fullmatch(path)
        if method != "POST" or job_id is None:
            return await handle(method, path, body, qp)
        return _associate(job_id[1], iot._parse_body(body), pace)


def _associate(job_id: str, payload: dict[str, Any], pace: JobPace) -> Any:
    job, targets = iot._jobs.get(job_id), payload["targets"]
    if job is None:
        return refused(f"Job {job_id} cannot be found.", "ResourceNotFoundException", 404)
    if (
        job["targetSelection"] != TargetSelection.CONTINUOUS
        or job["status"] != JobStatus.IN_PROGRESS
    ):
        return refused(f"Job {job_id} must be CONTINUOUS and IN_PROGRESS to take further targets.")
    for arn in targets:
        if ":thinggroup/" not in arn:
            return refused(f"{arn} is not a thing group.")
        if iot._job_target_resolve(arn) is None:
            return refused(iot._job_target_not_found(arn), "ResourceNotFoundException", 404)
    together = list(dict.fromkeys([*job["targets"], *targets]))
    if len(together) > _MAX_TARGETS:
        message = f"Job {job_id} would have more than {_MAX_TARGETS} targets."
        return refused(message, "LimitExceededException", 410)
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
    pace.start(*account(), job)
