"""Refuses requests that break AWS IoT's own models, after the check of the caller's permissions.

MiniStack mostly accepts any value; AWS checks each member's type, length, range, pattern and enum.
Here every operation of ``iot``, ``iot-data`` and ``iot-jobs-data`` over HTTP is checked against
botocore's model, and against the rules that the model cannot express (``cloud.job_rule``). The
refusal has the modelled error.

MiniStack also checks few members of MQTT requests. Here each Jobs request is checked against the
model of ``iot-jobs-data``, the clientToken of the MQTT interface (1 to 64 characters of
``[a-zA-Z0-9-_]``, Developer Guide, jobs-mqtt-api) and the same rules; a violation is answered on
``rejected`` with InvalidRequest.

Touched: ``handle_request`` of ``ministack.services.iot``, ``iot_data`` and ``iot_jobs_data``,
which MiniStack calls once the caller is authorised, is wrapped, and ``iot._handle_jobs_publish``;
there MiniStack's ``_jobs_rejected`` and ``broker_publish`` write and publish the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.services import iot, iot_data, iot_jobs_data

from otactl.cloud.job_rule import request_problem
from otactl.cloud.ministack.answer import REQUEST, first, refused
from otactl.cloud.ministack.shape import Changes, require_parameters, require_source
from otactl.cloud.operation import find_operation, input_shape, json_object, members_of

_MODULES = {"iot": iot, "iot-data": iot_data, "iot-jobs-data": iot_jobs_data}
#: The error of operations without InvalidRequestException.
_FALLBACK_ERROR = "ValidationException"
_TOKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def install(changes: Changes) -> None:
    """Install the checks."""
    for service, module in _MODULES.items():
        changes.around(module, "handle_request", *REQUEST)(_checked(service))


def _checked(service: str) -> Any:
    async def handle_request(handle: Any, *request: Any) -> Any:
        refusal = _refusal(service, *request)
        return await handle(*request) if refusal is None else refusal

    return handle_request


def _refusal(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str] | None,
    body: bytes,
    query_params: Mapping[str, Any],
) -> Any:
    operation = find_operation(service, method, path)
    if operation is None:
        return None  # MiniStack, or the stream service, answers it
    error = _error_code(operation.model)
    parameters = {name: first(found) for name, found in query_params.items()}
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    try:
        members = members_of(operation, path, parameters, lower, body)
    except ValueError:
        return refused("The request body is not valid JSON", error)
    problem = request_problem(operation.name, operation.model.input_shape, members)
    return None if problem is None else refused(problem, error)


def _error_code(model: Any) -> str:
    codes = [shape.name for shape in model.error_shapes]
    modelled = ("InvalidRequestException", "ValidationException")
    return next((code for code in modelled if code in codes), _FALLBACK_ERROR)


def check_messages(changes: Changes) -> None:
    """Install the checks of Jobs over MQTT."""
    require_parameters(iot._jobs_rejected, "code", "message", "client_token")
    require_source(iot._handle_jobs_publish, 'base = f"{SHADOW_TOPIC_PREFIX}{thing}/jobs"')

    @changes.around(
        *(iot, "_handle_jobs_publish"),
        *("account_id", "region", "thing", "verb", "job_id", "payload"),
    )
    async def checked(handle: Any, *arguments: Any) -> None:
        account_id, region, thing, verb, job_id, payload = arguments
        # MiniStack itself refuses a payload that is not a JSON object.
        request = json_object(payload)
        problem = None if request is None else _message_problem(verb, thing, job_id, request)
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


def _message_problem(
    verb: str, thing: str, job_id: str | None, request: dict[str, Any]
) -> str | None:
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
