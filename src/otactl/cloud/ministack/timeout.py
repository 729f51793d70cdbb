"""Timeouts of job executions: both timers, on time, with notifications to the things.

The timers are the in-progress timer of the job and the step timer that a device sets with
``stepTimeoutInMinutes``, over MQTT or HTTPS, in StartNext or Update; the earlier one counts
(``rules.timeout``).
MiniStack has a single timer, ignores the step timer over MQTT, times an execution out only when it
is read, and sends no notification: neither to the thing, nor to those whose executions the abort
criteria cancel, nor for another attempt (``retry``). AWS notifies a thing whenever its pending
executions change (Developer Guide, jobs-comm-notifications; aws-facts F2).

Touched, in ``ministack.services``: ``iot._jobs_apply_timeout`` and ``_jobs_seconds_before_timeout``
are replaced; ``jobs_start_next_execution``, ``jobs_update_execution``, ``_handle_jobs_publish``,
``_describe_job_execution`` (which omits the seconds left), ``_jobs_abort`` and
``iot_jobs_data._start_next`` are wrapped; ``jobs_notify_thing`` is called.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import json_response, request_scope
from ministack.services import iot, iot_jobs_data

from otactl.cloud.background import Background
from otactl.cloud.ministack.answer import OK, account, fields_of
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.retry import ANOTHER_HEAD
from otactl.cloud.ministack.shape import Changes, bound, require_parameters, require_source
from otactl.cloud.operation import json_object
from otactl.model.status import ExecutionStatus
from otactl.rules.timeout import DISCARD_STEP_TIMEOUT, MINUTE_MS, deadline_ms, is_over

_RUNNING = (ExecutionStatus.IN_PROGRESS.value,)

_timing_out: ContextVar[bool] = ContextVar("timing_out", default=False)
#: ``stepTimeoutInMinutes`` of the device's current request.
_step: ContextVar[int | None] = ContextVar("step", default=None)

_log = logging.getLogger("otactl.cloud.timeout")


def install(changes: Changes, background: Background) -> None:
    """Install both timers and the notifications; a background task checks the timers."""
    require_parameters(
        iot.jobs_notify_thing, "account_id", "region", "thing_name", "prev_next_job_id"
    )
    require_source(iot._jobs_apply_timeout, "\n    _jobs_abort(")
    executions()
    _take_steps(changes)

    def notify(thing_name: str, previous_head: str | None) -> None:
        work = _notify(*account(), thing_name, previous_head)
        background.run(f"the notification of {thing_name}", work)

    def apply_timeout(execution: dict[str, Any]) -> dict[str, Any]:
        if execution["status"] not in _RUNNING or not is_over(iot._jobs_now_ms(), _due(execution)):
            return execution
        execution["status"] = ExecutionStatus.TIMED_OUT.value
        execution["lastUpdatedAt"] = iot._jobs_now_ms()
        execution["versionNumber"] += 1
        iot._job_execution_event(execution)
        with bound(_timing_out, True):  # noqa: FBT003  # the value itself
            iot._jobs_maybe_complete(execution["jobId"])
            iot._jobs_abort(execution["jobId"])
        notify(execution["thingName"], ANOTHER_HEAD)
        return execution

    @changes.around(iot, "_jobs_abort", "job_id")
    def abort_job(abort: Any, job_id: str) -> Any:
        canceled = abort(job_id)
        if _timing_out.get():
            for thing_name, previous_head in canceled.items():
                notify(thing_name, previous_head)
        return canceled

    @changes.around(iot, "_describe_job_execution", "thing", "job_id", "qp")
    def describe_execution(describe: Any, thing: str, job_id: str, qp: dict[str, str]) -> Any:
        answer = describe(thing, job_id, qp)
        execution = executions().get((thing, job_id))
        seconds = None if execution is None else _seconds_left(execution)
        if answer[0] != OK or execution is None or seconds is None:
            return answer
        fields = fields_of(answer)
        if fields["execution"]["executionNumber"] == execution["executionNumber"]:
            fields["execution"]["approximateSecondsBeforeTimedOut"] = seconds
        return json_response(fields)

    changes.put(iot, "_jobs_apply_timeout", apply_timeout, "execution")
    changes.put(iot, "_jobs_seconds_before_timeout", _seconds_left)
    background.repeat("the sweep for timeouts", TimeoutSweep().run)


def _take_steps(changes: Changes) -> None:
    require_source(iot.jobs_update_execution, 'execution["timeoutStartedAt"] = now')

    @changes.around(iot, "jobs_start_next_execution", "thing_name", "status_details", "peek")
    def start_next(start: Any, thing_name: str, **options: Any) -> Any:
        pending = None if options.get("peek") else start(thing_name, peek=True)
        started = start(thing_name, **options)
        if pending is not None and pending["status"] not in _RUNNING and _step.get():
            execution = executions()[thing_name, started["jobId"]]
            execution["stepTimeoutInMinutes"] = _step.get()
            execution["timeoutStartedAt"] = execution["startedAt"]
            return dict(execution)
        return started

    @changes.around(iot, "jobs_update_execution")
    def update_execution(update: Any, thing_name: str, job_id: str, **options: Any) -> Any:
        step = options.pop("step_timeout_minutes", None) or _step.get()
        discards = step == DISCARD_STEP_TIMEOUT
        answer = update(
            thing_name, job_id, step_timeout_minutes=None if discards else step, **options
        )
        if discards and answer[1] is None:
            executions()[thing_name, job_id].pop("stepTimeoutInMinutes", None)
        return answer

    @changes.within(
        *(iot, "_handle_jobs_publish"),
        *("account_id", "region", "thing", "verb", "job_id", "payload"),
    )
    def with_step_of_message(*arguments: Any) -> AbstractContextManager[None]:
        return bound(_step, _step_of(arguments[-1]))

    @changes.within(iot_jobs_data, "_start_next", "thing", "payload", "peek")
    def with_step(_thing: str, payload: dict[str, Any], **_: Any) -> AbstractContextManager[None]:
        return bound(_step, payload.get("stepTimeoutInMinutes"))


def _step_of(payload: bytes) -> int | None:
    # An unreadable payload is refused where it is handled.
    step = (json_object(payload) or {}).get("stepTimeoutInMinutes")
    return step if isinstance(step, int) else None


def _due(execution: dict[str, Any]) -> int | None:
    """When an execution in progress times out, epoch milliseconds; None for never."""
    if "jobTimeoutInMinutes" in execution:
        minutes = execution["jobTimeoutInMinutes"]
    else:
        job = iot._jobs.get(execution["jobId"]) or {}
        minutes = (job.get("timeoutConfig") or {}).get("inProgressTimeoutInMinutes")
    started = execution.get("startedAt") or execution["lastUpdatedAt"]
    return deadline_ms(
        started,
        minutes,
        step_started_at_ms=execution.get("timeoutStartedAt"),
        step_timeout_minutes=execution.get("stepTimeoutInMinutes"),
    )


def _seconds_left(execution: dict[str, Any]) -> int | None:
    due = _due(execution) if execution["status"] in _RUNNING else None
    return None if due is None else max(0, (due - iot._jobs_now_ms()) // 1000)


class TimeoutSweep:
    """Times out executions when they are due, without a read."""

    def __init__(self) -> None:
        #: When to check a job again, epoch milliseconds: a timer takes at least a minute.
        self._next_poll: dict[tuple[str, str, str], int] = {}

    async def run(self) -> None:
        """Time out all due executions of every account; log an invalid job."""
        now = iot._jobs_now_ms()
        jobs = iot._jobs.all_items()
        polls = {key: self._next_poll.get(key, 0) for key, _ in jobs}
        for key in [key for key, poll_at in polls.items() if poll_at <= now]:
            account_id, region, job_id = key
            try:
                async with iot.publishing_events():
                    polls[key] = _time_out(account_id, region, job_id, now)
            except Exception:  # noqa: BLE001  # an invalid job must not stop all timeouts
                _log.exception("the timeouts of job %s cannot be checked", job_id)
        self._next_poll = polls


def _time_out(account_id: str, region: str, job_id: str, now: int) -> int:
    """Time out the due executions of a job; returns when to check it again."""
    with request_scope(account_id, region):
        for execution in executions().of_job(job_id, _RUNNING):
            iot._jobs_apply_timeout(execution)
        dues = [_due(execution) for execution in executions().of_job(job_id, _RUNNING)]
    return min([now + MINUTE_MS, *(due + 1 for due in dues if due is not None)])


async def _notify(account_id: str, region: str, thing_name: str, previous_head: str | None) -> None:
    async with iot.publishing_events():
        await iot.jobs_notify_thing(account_id, region, thing_name, previous_head)
