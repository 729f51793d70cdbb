"""Requests of Jobs over MQTT are checked as those over HTTP are.

MiniStack looks at few members of what a device sends. Here each request is checked against the
model of ``iot-jobs-data``, the clientToken of the MQTT interface (1 to 64 characters of
``[a-zA-Z0-9-_]``, Developer Guide, jobs-mqtt-api) and the rules which the model cannot express
(``cloud.job_rule``); what breaks one is answered on ``rejected`` with InvalidRequest.

Touched, in ``ministack.services.iot``: ``_handle_jobs_publish`` is wrapped; the refusal is written
and published as its own ``_jobs_rejected`` and ``broker_publish`` do.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.services import iot

from otactl.cloud.job_rule import request_problem
from otactl.cloud.ministack.shape import require_parameters, require_source
from otactl.cloud.operation import input_shape

_TOKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def install() -> None:
    """Put the checks in place.

    Raises:
        ShapeChanged: MiniStack's jobs are not those this was written for.
    """
    handle = iot._handle_jobs_publish  # noqa: SLF001
    require_parameters(handle, "account_id", "region", "thing", "verb", "job_id", "payload")
    require_parameters(iot._jobs_rejected, "code", "message", "client_token")  # noqa: SLF001
    require_source(handle, 'base = f"{SHADOW_TOPIC_PREFIX}{thing}/jobs"')

    async def checked(  # noqa: PLR0917  # as MiniStack calls it
        account_id: str, region: str, thing: str, verb: str, job_id: str | None, payload: bytes
    ) -> None:
        request = _json_object(payload)
        problem = None if request is None else _problem(verb, thing, job_id, request)
        if request is None or problem is None:
            await handle(account_id, region, thing, verb, job_id, payload)
            return
        token = request.get("clientToken")
        answer = iot._jobs_rejected(  # noqa: SLF001
            "InvalidRequest", problem, token if isinstance(token, str) else None
        )
        suffix = verb if job_id is None else f"{job_id}/{verb}"
        await iot.broker_publish(
            account_id,
            region,
            f"{iot.SHADOW_TOPIC_PREFIX}{thing}/jobs/{suffix}/rejected",
            iot._jobs_mqtt_json(answer).encode(),  # noqa: SLF001
            qos=1,
        )

    iot._handle_jobs_publish = checked  # noqa: SLF001


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


def _json_object(payload: bytes) -> dict[str, Any] | None:
    """The request; None if it is none, which MiniStack refuses itself."""
    try:
        request = json.loads(payload) if payload else {}
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None
