"""The order of a thing's pending executions, and how many of them the service lists.

- Those IN_PROGRESS come first, then those QUEUED, both in the order in which they were queued:
  ``$next`` and StartNextPendingJobExecution return the first of this order (aws-facts F2).
- A device may start another execution than the first. It then is the first, and ``notify-next``
  carries it; ``notify`` is not sent, because the list has the same members (aws-facts F2).
- GetPendingJobExecutions and ``notify`` list at most ten (aws-facts A9). AWS lists 15 for jobs with
  a maintenance window; here it is always ten.

MiniStack orders by queue time alone, lists all, and sends nothing.

Touched, in ``ministack.services``: ``iot.jobs_pending_for_thing``, ``iot._handle_jobs_publish`` and
``iot_jobs_data._update_execution`` are wrapped; the message is written as in ``jobs_notify_thing``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iot, iot_jobs_data

from otactl.cloud.ministack.answer import account
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.shape import Changes, require_source
from otactl.cloud.operation import json_object
from otactl.model.status import ExecutionStatus

_MAX_LISTED = 10
_IN_PROGRESS = ExecutionStatus.IN_PROGRESS.value


def install(changes: Changes) -> None:
    """Install the order, the limit and the message."""
    require_source(iot.jobs_pending_for_thing, 'pending.sort(key=lambda execution: execution["')
    require_source(iot.jobs_start_next_execution, "pending[0]")
    require_source(iot.jobs_notify_thing, "_jobs_mqtt_execution(nxt, _jobs_job_document_object(")

    @changes.around(iot, "jobs_pending_for_thing", "thing_name")
    def pending_for_thing(pending: Any, thing_name: str) -> list[dict[str, Any]]:
        # The sort is stable: it keeps the order of queueing within each status.
        found = sorted(pending(thing_name), key=lambda one: one["status"] != _IN_PROGRESS)
        return found[:_MAX_LISTED]

    @changes.around(
        *(iot, "_handle_jobs_publish"),
        *("account_id", "region", "thing", "verb", "job_id", "payload"),
    )
    async def publish(handle: Any, *arguments: Any) -> None:
        account_id, region, thing, verb, *_, payload = arguments
        request = json_object(payload) if verb == "update" else None
        notify = _next_notification(account_id, region, thing, request)
        await handle(*arguments)
        await notify()

    @changes.around(iot_jobs_data, "_update_execution", "thing", "job_id", "payload")
    async def update(handle: Any, thing: str, job_id: str, payload: dict[str, Any]) -> Any:
        notify = _next_notification(*account(), thing, payload)
        answer = await handle(thing, job_id, payload)
        await notify()
        return answer


def _next_notification(
    account_id: str, region: str, thing: str, request: dict[str, Any] | None
) -> Callable[[], Awaitable[None]]:
    """What sends ``notify-next`` after a report, if it starts another execution than the first."""
    head: str | None = None
    with request_scope(account_id, region):
        may_change = (
            request is not None
            and request.get("status") == _IN_PROGRESS
            and len(executions().of_thing(thing)) > 1
        )
        if may_change:
            head = iot.jobs_first_pending_job_id(thing)

    async def notify() -> None:
        if not may_change:
            return
        with request_scope(account_id, region):
            first = iot.jobs_start_next_execution(thing, peek=True)
            if first is None or first["jobId"] == head:
                return
            document = iot._jobs_job_document_object(first["jobId"])
            execution = iot._jobs_mqtt_execution(first, document)
        topic = f"{iot.SHADOW_TOPIC_PREFIX}{thing}/jobs/notify-next"
        body = iot._jobs_mqtt_json({"timestamp": int(time.time()), "execution": execution})
        await iot.broker_publish(account_id, region, topic, body.encode(), qos=1)

    return notify
