"""Requests of Jobs over MQTT are checked as those over HTTP are.

MiniStack looks at few members of what a device sends. Here each request is checked against the
model of ``iot-jobs-data``, the clientToken of the MQTT interface (1 to 64 characters of
``[a-zA-Z0-9-_]``, Developer Guide, jobs-mqtt-api) and the rules which the model cannot express
(``cloud.job_rule``); what breaks one is answered on ``rejected`` with InvalidRequest.

Touched, in ``ministack.services.iot``: ``_handle_jobs_publish`` is wrapped; the refusal is written
and published as its own ``_jobs_rejected`` and ``broker_publish`` do.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.services import iot

from otactl.cloud.job_rule import request_problem
from otactl.cloud.ministack.shape import Changes, require_parameters, require_source
from otactl.cloud.operation import input_shape, json_object

_TOKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def install(changes: Changes) -> None:
    """Put the checks in place."""
    require_parameters(iot._jobs_rejected, "code", "message", "client_token")
    require_source(iot._handle_jobs_publish, 'base = f"{SHADOW_TOPIC_PREFIX}{thing}/jobs"')

    @changes.around(
        *(iot, "_handle_jobs_publish"),
        *("account_id", "region", "thing", "verb", "job_id", "payload"),
    )
    async def checked(handle: Any, *arguments: Any) -> None:
        account_id, region, thing, verb, job_id, payload = arguments
        # What is no request is refused by MiniStack itself.
        request = json_object(payload)
        problem = None if request is None else _problem(verb, thing, job_id, request)
        if request is None or problem is None:
            await handle(*arguments)
            return
        token = request.get("clientToken")
        answer = iot._jobs_rejected(
            "InvalidRequest", problem, token if isinstance(token, str) else None
        )
        suffix = verb if job_id is None else f"{job_id}/{verb}"
        topic = f"{iot.SHADOW_TOPIC_PREFIX}{thing}/jobs/{suffix}/rejected"
        body = iot._jobs_mqtt_json(answer).encode()
        await iot.broker_publish(account_id, region, topic, body, qos=1)


def _problem(verb: str, thing: str, job_id: str | None, request: dict[str, Any]) -> str | None:
    token = request.get("clientToken")
    if token is not None and not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        return f"clientToken must match {_TOKEN.pattern}"
    operation = _operation(verb, job_id)
    members = request | {"thingName": thing} | ({} if job_id is None else {"jobId": job_id})
    return request_problem(operation, input_shape("iot-jobs-data", operation), members)


def _operation(verb: str, job_id: str | None) -> str:
    match verb:
        case "start-next":
            return "StartNextPendingJobExecution"
        case "update":
            return "UpdateJobExecution"
        case _:
            return "GetPendingJobExecutions" if job_id is None else "DescribeJobExecution"
