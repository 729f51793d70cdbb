"""Jobs with a schedule: they wait, begin, pause and end by ``otactl.rules.schedule``.

MiniStack stores ``schedulingConfig`` and starts the job at once. Here it is SCHEDULED until its
start time or first maintenance window, notifies things only in a window, and stops at its end time;
endBehavior decides about its executions. Things that join the target of a CONTINUOUS job between
two windows wait for the next one. Executions may end between two windows, so the abort criteria
hold there too: a criterion that is met must not wait for the next window's notifications.

Touched, in ``ministack.services.iot``: ``_create_job``, ``_cancel_job``, ``_jobs_abort`` and
``_describe_job`` are wrapped, ``_jobs_thing_joined_group`` is replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from ministack.core.responses import json_response, request_scope
from ministack.services import iot

from otactl.cloud.background import Background
from otactl.cloud.ministack.answer import OK, account, fields_of, refused
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.job_pace import SCHEDULE_OVER, JobPace, cloud_now, scheduling_of
from otactl.cloud.ministack.retry import ANOTHER_HEAD, queue_retries
from otactl.cloud.ministack.shape import Changes, require_source
from otactl.cloud.ministack.thing_group import is_target
from otactl.model.status import OPEN_JOB_STATUSES, ExecutionStatus, JobStatus, TargetSelection
from otactl.rules.rollout import MINUTE_MS
from otactl.rules.schedule import Phase, canceled_at_end, next_windows, phase, problems

#: The things of a job that joined its target again between two windows.
_CAME_BACK = "cameBack"

_log = logging.getLogger("otactl.cloud.schedule")


def install(changes: Changes, background: Background, pace: JobPace) -> None:
    """Install schedules."""
    require_source(iot._jobs_thing_joined_group, "_jobs_queue_execution(thing, job_id, now)")
    require_source(iot._cancel_job, 'if job["status"] != "IN_PROGRESS":')
    changes.put(iot, "_jobs_thing_joined_group", _joined, "thing", "group_arn")
    _cancel_scheduled(changes)

    @changes.around(iot, "_create_job", "job_id", "payload")
    async def create_job(create: Any, job_id: str, payload: dict[str, Any]) -> Any:
        scheduling, now = scheduling_of(payload), cloud_now()
        try:
            problem = next(problems(scheduling, now), None)
        except ValueError as error:
            # MiniStack checks the digits only, and fails later on a 30 February.
            problem = (
                "1 validation error detected: startTime and endTime must follow the format "
                f"YYYY-MM-DDThh:mm. ({error})"
            )
        if problem is not None:
            return refused(problem)
        answer = await create(job_id, payload)
        if answer[0] == OK and phase(scheduling, now) is Phase.WAITING:
            iot._jobs[job_id]["status"] = JobStatus.SCHEDULED.value
        return answer

    @changes.around(iot, "_describe_job")
    def describe_job(describe: Any, job_id: str) -> Any:
        answer, job = describe(job_id), iot._jobs.get(job_id) or {}
        if answer[0] != OK or not (job.get("schedulingConfig") or job.get("cancelQueue")):
            return answer
        fields = fields_of(answer)
        described = fields["job"]
        described["isConcurrent"] |= bool(job.get("cancelQueue"))
        windows = next_windows(scheduling_of(job), cloud_now())
        if windows and job["status"] in OPEN_JOB_STATUSES:
            described["scheduledJobRollouts"] = [{"startTime": start} for start in windows]
        return json_response(fields)

    background.repeat("the sweep for schedules", partial(_sweep, pace))


def _cancel_scheduled(changes: Changes) -> None:
    """MiniStack cancels and aborts only jobs that are IN_PROGRESS."""

    @changes.around(iot, "_cancel_job", "job_id", "payload", "qp")
    async def cancel_job(cancel: Any, job_id: str, *rest: Any) -> Any:
        job = iot._jobs.get(job_id)
        if job is not None and job["status"] == JobStatus.SCHEDULED:
            job["status"] = JobStatus.IN_PROGRESS.value
        return await cancel(job_id, *rest)

    @changes.around(iot, "_jobs_abort", "job_id")
    def abort_job(abort: Any, job_id: str) -> Any:
        job = iot._jobs.get(job_id)
        if job is None or job["status"] != JobStatus.SCHEDULED:
            return abort(job_id)
        job["status"] = JobStatus.IN_PROGRESS.value
        canceled = abort(job_id)
        if job["status"] == JobStatus.IN_PROGRESS:
            job["status"] = JobStatus.SCHEDULED.value
        return canceled


def _joined(thing: str, group_arn: str) -> bool:
    """Queue the CONTINUOUS jobs for a thing that joined a group; returns whether any was queued."""
    queued = False
    for job_id, job in iot._jobs.items():
        if (
            job["targetSelection"] != TargetSelection.CONTINUOUS
            or group_arn not in job["targets"]
            or job.get(SCHEDULE_OVER)
        ):
            continue
        previous = executions().get((thing, job_id))
        if previous is not None and previous["status"] not in iot._JOB_EXECUTION_TERMINAL:
            continue
        if job["status"] == JobStatus.SCHEDULED:
            # The rollout notifies a thing once; one that comes back does not count for its rate.
            waiting = "rolloutQueue" if previous is None else _CAME_BACK
            job.setdefault(waiting, []).append(thing)
        elif job["status"] == JobStatus.IN_PROGRESS:
            iot._jobs_queue_execution(thing, job_id, iot._jobs_now_ms())
            queued = True
    return queued


async def _sweep(pace: JobPace) -> None:
    """Begin, pause and end the due jobs of every account; log an invalid one."""
    for (account_id, region, job_id), job in iot._jobs.all_items():
        if not job.get("schedulingConfig") or job.get("status") not in OPEN_JOB_STATUSES:
            continue
        try:
            async with iot.publishing_events():
                with request_scope(account_id, region):
                    heads = _step(pace, job)
                await pace.notify(account_id, region, heads)
        except Exception:  # noqa: BLE001  # an invalid job must not stop the others
            _log.exception("the schedule of job %s cannot be followed", job_id)


def _step(pace: JobPace, job: dict[str, Any]) -> Mapping[str, str | None]:
    """Begin, pause or end a job of the current account and region; returns things to notify."""
    now = iot._jobs_now_ms()
    match phase(scheduling_of(job), cloud_now()), job["status"]:
        case Phase.OPEN, JobStatus.SCHEDULED:
            job |= {"status": JobStatus.IN_PROGRESS.value, "lastUpdatedAt": now}
            job["rolloutBatchAt"] = now - MINUTE_MS
            pace.start(*account(), job)
            return _catch_up(job, now)
        case Phase.WAITING, JobStatus.IN_PROGRESS:
            job |= {"status": JobStatus.SCHEDULED.value, "lastUpdatedAt": now}
        case Phase.OVER, _ if not job.get(SCHEDULE_OVER):
            return _end(pace, job, now)
    return {}


def _catch_up(job: dict[str, Any], now: int) -> Mapping[str, str | None]:
    """Queue what joined the target again, or failed, since the last window closed."""
    job_id = job["jobId"]
    heads: dict[str, str | None] = {}
    for thing in job.pop(_CAME_BACK, ()):
        previous = executions().get((thing, job_id))
        is_open = previous is not None and not ExecutionStatus(previous["status"]).is_terminal
        if is_target(thing, job) and not is_open:
            heads[thing] = iot.jobs_first_pending_job_id(thing)
            iot._jobs_queue_execution(thing, job_id, now)
    return heads | dict.fromkeys(queue_retries(job_id), ANOTHER_HEAD)


def _end(pace: JobPace, job: dict[str, Any], now: int) -> Mapping[str, str | None]:
    job |= {"status": JobStatus.IN_PROGRESS.value, "lastUpdatedAt": now, SCHEDULE_OVER: True}
    job["rolloutQueue"] = []
    statuses = canceled_at_end(scheduling_of(job))
    canceled: Mapping[str, str | None] = {}
    if statuses:
        canceled = pace.cancel_executions(
            job,
            by_force=ExecutionStatus.IN_PROGRESS in statuses,
            done=lambda: iot._jobs_maybe_complete(job["jobId"]),
        )
    iot._jobs_maybe_complete(job["jobId"])
    return canceled
