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

from ministack.core.responses import error_response_json
from ministack.services import iot, iot_data, iot_jobs_data

from otactl.cloud.job_rule import request_problem
from otactl.cloud.ministack.shape import require_parameters
from otactl.cloud.operation import find_operation, members_of

_MODULES = {"iot": iot, "iot-data": iot_data, "iot-jobs-data": iot_jobs_data}
_BAD_REQUEST = 400
#: What the operations without InvalidRequestException answer.
_FALLBACK_ERROR = "ValidationException"


def install() -> None:
    """Put the checks in place.

    Raises:
        ShapeChanged: MiniStack does not call its services as this was written for.
    """
    for service, module in _MODULES.items():
        require_parameters(
            module.handle_request, "method", "path", "headers", "body", "query_params"
        )
        module.handle_request = _checked(service, module.handle_request)


def _checked(service: str, handle: Any) -> Any:
    async def handle_request(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        refusal = _refusal(service, method, path, headers or {}, body, query_params)
        if refusal is not None:
            return refusal
        return await handle(method, path, headers, body, query_params)

    return handle_request


def _refusal(  # noqa: PLR0917  # what MiniStack hands on
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
) -> Any:
    operation = find_operation(service, method, path)
    if operation is None:
        return None  # MiniStack, or the stream service, says so
    error = _error_code(operation.model)
    parameters = {
        name: found[0] if isinstance(found, list) else found for name, found in query_params.items()
    }
    try:
        members = members_of(
            operation,
            path,
            parameters,
            {name.lower(): value for name, value in headers.items()},
            body,
        )
    except ValueError:
        return error_response_json(error, "The request body is not valid JSON", _BAD_REQUEST)
    problem = request_problem(operation.name, operation.model.input_shape, members)
    return None if problem is None else error_response_json(error, problem, _BAD_REQUEST)


def _error_code(model: Any) -> str:
    codes = [shape.name for shape in model.error_shapes]
    modelled = ("InvalidRequestException", "ValidationException")
    return next((code for code in modelled if code in codes), _FALLBACK_ERROR)
