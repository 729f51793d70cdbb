"""Retries of failed executions (``jobExecutionsRetryConfig``), which MiniStack stores but ignores.

AWS IoT retries an execution that is FAILED or TIMED_OUT, as often as the job's retry criteria allow
(Developer Guide, jobs-configurations-details; aws-facts D). Each attempt is a new execution: the
next executionNumber, version 1, QUEUED again, ``retryAttempt`` counted in the summaries.
``otactl.rules.retry`` decides how often. Nothing is retried after the end of the job's schedule,
nor on a thing that has left the target of a CONTINUOUS job (aws-facts A8). Between two maintenance
windows a retry waits for the next one.

Touched, all in ``ministack.services.iot``: ``_jobs_maybe_complete``, which is called after the end
of every execution, is wrapped to queue the next attempt before the check whether the job is
complete; ``jobs_notify_thing`` is wrapped so that the thing is notified of an attempt with the same
job id as the previous execution. ``_jobs`` and ``_jobs_queue_execution`` are used as MiniStack's
own functions use them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack.answer import account
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.job_pace import cloud_now, scheduling_of
from otactl.cloud.ministack.shape import Changes, require_parameters, require_source
from otactl.cloud.ministack.thing_group import is_target
from otactl.model.job_configuration import RetryCriterion
from otactl.model.status import ExecutionStatus, FailureType, JobStatus, TargetSelection
from otactl.rules.retry import retries_left
from otactl.rules.schedule import Phase, phase

#: Differs from every job id, so that MiniStack sees a change at the head of the thing's queue.
ANOTHER_HEAD = "\0"

_log = logging.getLogger("otactl.cloud.retry")


def install(changes: Changes) -> None:
    """Install retries."""
    require_parameters(iot._jobs_queue_execution, "thing", "job_id", "now")
    require_source(iot._jobs_apply_timeout, "_jobs_maybe_complete(")
    require_source(iot.jobs_update_execution, "_jobs_maybe_complete(")
    require_source(iot._job_execution_summary, '"retryAttempt": execution.get(')
    queued_again: set[tuple[str, str, str]] = set()

    @changes.around(iot, "_jobs_maybe_complete", "job_id")
    def maybe_complete(complete: Any, job_id: str) -> None:
        queued_again.update((*account(), thing) for thing in queue_retries(job_id))
        complete(job_id)

    @changes.around(
        *(iot, "jobs_notify_thing"), *("account_id", "region", "thing_name", "prev_next_job_id")
    )
    async def notify_thing(notify: Any, *thing: Any) -> None:
        *thing_name, head = thing
        if tuple(thing_name) in queued_again:
            queued_again.discard(tuple(thing_name))
            head = ANOTHER_HEAD
        await notify(*thing_name, head)


def queue_retries(job_id: str) -> Iterator[str]:
    """Queue the next attempt of each execution that has one left; yields the things."""
    job = iot._jobs.get(job_id)
    criteria = _criteria(job or {})
    if (
        not criteria
        or job["status"] != JobStatus.IN_PROGRESS
        or phase(scheduling_of(job), cloud_now()) is not Phase.OPEN
    ):
        return
    failed = {status.value for one in criteria for status in one.failure_type.statuses}
    for execution in executions().of_job(job_id, failed):
        thing, attempts = execution["thingName"], execution.get("retryAttempt", 0) + 1
        if (
            retries_left(criteria, ExecutionStatus(execution["status"]), attempts) > 0
            # A SNAPSHOT job keeps the things of its creation.
            and (job["targetSelection"] != TargetSelection.CONTINUOUS or is_target(thing, job))
        ):
            _log.info("job %s on %s: attempt %d", job_id, thing, attempts + 1)
            iot._jobs_queue_execution(thing, job_id, iot._jobs_now_ms())
            executions()[thing, job_id]["retryAttempt"] = attempts
            yield thing


def _criteria(job: dict[str, Any]) -> tuple[RetryCriterion, ...]:
    """The job's retry criteria; invalid ones are left out."""
    configuration = job.get("jobExecutionsRetryConfig")
    listed = configuration.get("criteriaList") if isinstance(configuration, dict) else None
    return tuple(
        RetryCriterion(
            failure_type=FailureType(criterion["failureType"]),
            number_of_retries=criterion["numberOfRetries"],
        )
        for criterion in (listed if isinstance(listed, list) else ())
        if isinstance(criterion, dict)
        and criterion.get("failureType") in tuple(FailureType)
        and isinstance(criterion.get("numberOfRetries"), int)
    )
