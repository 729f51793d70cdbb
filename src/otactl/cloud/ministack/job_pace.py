"""The number of things that a job notifies, or cancels, per minute, and when it is complete.

The service notifies at most 1,000 things per minute, and cancels as many (aws-facts A9); the job's
own rollout may lower this (``otactl.rules.rollout``). ``otactl.rules.job`` has the rules which
executions a cancelled job cancels, and when a job is complete. MiniStack notifies all at once
without a rollout and cancels all at once.

Touched, in ``ministack.services.iot``: ``_jobs_rollout_batch_size``, ``_jobs_rollout_start``,
``_jobs_maybe_complete`` and ``_jobs_cancel`` are replaced, ``_jobs_rollout_release`` and
``jobs_notify_thing`` are wrapped; the events of jobs are sent as MiniStack's own functions do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iot

from otactl.cloud.background import Background
from otactl.cloud.ministack.answer import account
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.shape import Changes, require, require_source
from otactl.model.job_configuration import Rollout, Scheduling
from otactl.model.members import value_of
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection
from otactl.rules.job import canceled_with_job, is_complete
from otactl.rules.rollout import MINUTE_MS, RolloutState, next_release
from otactl.rules.schedule import Phase, phase

#: Set on a job whose schedule has ended: it completes even if it is CONTINUOUS.
SCHEDULE_OVER = "scheduleOver"


class JobPace:
    """See the module.

    Args:
        per_minute: The most executions that a job notifies, or cancels, per minute.
    """

    def __init__(self, background: Background, per_minute: int) -> None:
        self._background = background
        self._per_minute = per_minute
        #: The jobs being rolled out, by object identity: a job id may be reused.
        self._rolling: dict[int, dict[str, Any]] = {}

    def install(self, changes: Changes) -> None:
        """Install it."""
        executions()
        require_source(iot._jobs_rollout_release, 'job["rolloutBatchAt"] = now')
        require_source(iot._create_job, "batch = _jobs_rollout_batch_size(")
        require_source(iot._describe_job, 'job_doc["isConcurrent"] = ')
        require(iot._JOB_ROLLOUT_INTERVAL_MS == MINUTE_MS, "a batch a minute")
        self._release = iot._jobs_rollout_release
        changes.put(iot, "_jobs_rollout_batch_size", self._batch_size, "job", "waiting")
        changes.put(iot, "_jobs_rollout_start", self.start, "account_id", "region", "job")
        changes.put(iot, "_jobs_maybe_complete", _complete)
        changes.put(iot, "_jobs_cancel", self._cancel, "job_id", "payload", "force")

        @changes.around(iot, "jobs_notify_thing")
        async def notify_thing(notify: Any, *arguments: Any) -> None:
            await notify(*arguments)
            # CreateJob sends up to a thousand in a row; let other tasks run in between.
            await asyncio.sleep(0)

    def _batch_size(self, job: dict[str, Any], waiting: int) -> int:
        if phase(scheduling_of(job), cloud_now()) is not Phase.OPEN:
            return 0
        state = RolloutState(
            waiting=waiting,
            notified=executions().things(job["jobId"]),
            succeeded=executions().counts(job["jobId"])[ExecutionStatus.SUCCEEDED],
        )
        return next_release(rollout_of(job, self._per_minute), state)

    def start(self, account_id: str, region: str, job: dict[str, Any]) -> None:
        """Start to release a job's waiting things, a batch per minute, unless already started."""
        if id(job) not in self._rolling:
            self._rolling[id(job)] = job
            self._background.run(
                f"the rollout of job {job['jobId']}", self._roll_out(account_id, region, job)
            )

    async def _roll_out(self, account_id: str, region: str, job: dict[str, Any]) -> None:
        try:
            while _is_current(account_id, region, job) and (
                job["status"] == JobStatus.IN_PROGRESS and job.get("rolloutQueue")
            ):
                wait_ms = job["rolloutBatchAt"] + MINUTE_MS - iot._jobs_now_ms()
                if wait_ms > 0:
                    await asyncio.sleep(wait_ms / 1000)
                    continue
                batch = self._release_batch(account_id, region, job)
                await self._background.watch(f"a batch of job {job['jobId']}", batch)
        finally:
            del self._rolling[id(job)]

    async def _release_batch(self, account_id: str, region: str, job: dict[str, Any]) -> None:
        now, due = iot._jobs_now_ms(), job["rolloutBatchAt"] + MINUTE_MS
        # Every minute since the start, unless the process was blocked for more than a minute.
        begun = job["rolloutBatchAt"] = due if now < due + MINUTE_MS else now
        async with iot.publishing_events():
            with request_scope(account_id, region):
                released = self._release(job)
                job["rolloutBatchAt"] = begun
            await self.notify(account_id, region, dict(released))

    async def notify(self, account_id: str, region: str, heads: Mapping[str, str | None]) -> None:
        """Notify things of their changed queues; ``heads`` has the previous head of each queue.

        A failed notification does not stop the others.
        """
        for thing, head in heads.items():
            reported = iot.jobs_notify_thing(account_id, region, thing, head)
            await self._background.watch(f"the notification of {thing}", reported)

    def _cancel(self, job_id: str, payload: dict[str, Any], force: bool) -> dict[str, str | None]:  # noqa: FBT001  # as MiniStack calls it
        job = iot._jobs[job_id]
        now = iot._jobs_now_ms()
        job |= {"forceCanceled": force, "lastUpdatedAt": now, "completedAt": now}
        job["status"] = JobStatus.CANCELED.value
        job |= {name: payload[name] for name in ("comment", "reasonCode") if payload.get(name)}
        iot._job_event(job, "cancellation_in_progress")
        return self.cancel_executions(
            job, by_force=force, done=lambda: iot._job_event(job, "canceled")
        )

    def cancel_executions(
        self, job: dict[str, Any], *, by_force: bool, done: Callable[[], None]
    ) -> dict[str, str | None]:
        """Cancel a job's pending executions, a batch now and one each minute.

        Args:
            job: In the current account and region.
            by_force: Also cancel those IN_PROGRESS.
            done: Called when nothing is left to cancel.

        Returns:
            The things of the first batch, with the previous head of each one's queue.
        """
        statuses = [one for one in ExecutionStatus if canceled_with_job(one, by_force=by_force)]
        found = executions().of_job(job["jobId"], statuses)
        job["cancelQueue"] = [execution["thingName"] for execution in found]
        canceled = self._cancel_batch(job, by_force=by_force)
        if job["cancelQueue"]:
            rest = self._cancel_rest(*account(), job, by_force, done)
            self._background.run(f"the cancellation of job {job['jobId']}", rest)
        else:
            done()
        return canceled

    def _cancel_batch(self, job: dict[str, Any], *, by_force: bool) -> dict[str, str | None]:
        queue: list[str] = job["cancelQueue"]
        batch, job["cancelQueue"] = queue[: self._per_minute], queue[self._per_minute :]
        canceled: dict[str, str | None] = {}
        for thing in batch:
            execution = executions().get((thing, job["jobId"]))
            status = None if execution is None else ExecutionStatus(execution["status"])
            if status is not None and canceled_with_job(status, by_force=by_force):
                canceled[thing] = iot.jobs_first_pending_job_id(thing)
                execution["status"] = ExecutionStatus.CANCELED.value
                execution["lastUpdatedAt"] = iot._jobs_now_ms()
                execution["versionNumber"] += 1
                iot._job_execution_event(execution, force_canceled=by_force)
        return canceled

    async def _cancel_rest(
        self,
        account_id: str,
        region: str,
        job: dict[str, Any],
        by_force: bool,  # noqa: FBT001  # private
        done: Callable[[], None],
    ) -> None:
        while job["cancelQueue"]:
            await asyncio.sleep(MINUTE_MS / 1000)
            if not _is_current(account_id, region, job):
                return
            async with iot.publishing_events():
                with request_scope(account_id, region):
                    canceled = self._cancel_batch(job, by_force=by_force)
                    if not job["cancelQueue"]:
                        done()
                await self.notify(account_id, region, canceled)


def _complete(job_id: str) -> None:
    """Complete a job that has nothing left to do."""
    job = iot._jobs.get(job_id)
    if job is None or job["status"] != JobStatus.IN_PROGRESS:
        return
    over = job.get(SCHEDULE_OVER)
    selection = TargetSelection.SNAPSHOT if over else TargetSelection(job["targetSelection"])
    counts = {
        ExecutionStatus(status): count for status, count in executions().counts(job_id).items()
    }
    if is_complete(selection, waiting=len(job.get("rolloutQueue") or ()), counts=counts):
        now = iot._jobs_now_ms()
        job |= {"completedAt": now, "lastUpdatedAt": now}
        job["status"] = JobStatus.COMPLETED.value
        iot._job_event(job, "completed")


def rollout_of(job: Mapping[str, Any], per_minute: int) -> Rollout:
    """The rollout of a job, limited to the service's rate."""
    config = job.get("jobExecutionsRolloutConfig") or {}
    maximum = min(config.get("maximumPerMinute") or per_minute, per_minute)
    return value_of(Rollout, {**config, "maximumPerMinute": maximum})


def scheduling_of(job: Mapping[str, Any]) -> Scheduling:
    """The schedule of a job; an empty one if it has none."""
    return value_of(Scheduling, job.get("schedulingConfig") or {})


def cloud_now() -> datetime:
    """The time of the cloud's clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def _is_current(account_id: str, region: str, job: dict[str, Any]) -> bool:
    """Whether a job still exists."""
    return iot._jobs.get_scoped(account_id, region, job["jobId"]) is job
