"""Requests that AWS IoT's own models refuse are refused, after the caller's permissions.

MiniStack keeps what it is given in most places; AWS checks each member's type, length, range,
pattern and enum. Every operation of ``iot``, ``iot-data`` and ``iot-jobs-data`` over HTTP is
checked against botocore's model here, and against the rules which the model cannot express
(``cloud.job_rule``). What is refused has the modelled error.

Touched: ``handle_request`` of ``ministack.services.iot``, ``iot_data`` and ``iot_jobs_data``,
which MiniStack calls once the caller is authorised, is wrapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import iot, iot_data, iot_jobs_data

from otactl.cloud.job_rule import request_problem
from otactl.cloud.ministack.answer import REQUEST, first, refused
from otactl.cloud.ministack.shape import Changes
from otactl.cloud.operation import find_operation, members_of

_MODULES = {"iot": iot, "iot-data": iot_data, "iot-jobs-data": iot_jobs_data}
#: What the operations without InvalidRequestException answer.
_FALLBACK_ERROR = "ValidationException"


def install(changes: Changes) -> None:
    """Put the checks in place."""
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
        return None  # MiniStack, or the stream service, says so
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
