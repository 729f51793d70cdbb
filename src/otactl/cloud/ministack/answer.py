"""Answers as MiniStack gives them, status, headers and body, and whose requests they answer.

``get_account_id`` and ``get_region`` of ``ministack.core.responses`` read context variables. They
are the only place that knows whose account a key of IAM or STS belongs to, and asking again over
HTTP would double every call.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region

from otactl.cloud.scope import Scope

OK = 200
#: The parameters by which MiniStack calls a service once the caller is authorised.
REQUEST = ("method", "path", "headers", "body", "query_params")


def refused(message: str, code: str = "InvalidRequestException", status: int = 400) -> Any:
    """The answer to a request that is refused."""
    return error_response_json(code, message, status)


def first(found: Any) -> Any:
    """A parameter of the query, which may have come as a list."""
    return found[0] if isinstance(found, list) else found


def fields_of(answer: Any) -> dict[str, Any]:
    """The JSON fields of an answer's body."""
    fields: dict[str, Any] = json.loads(answer[2])
    return fields


def account() -> Scope:
    """Account id and region of the request under way, or handled last in this task."""
    return Scope(get_account_id(), get_region())
