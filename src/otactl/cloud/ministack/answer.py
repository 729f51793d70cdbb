"""MiniStack's answers (status, headers, body), and the account and region of a request.

``get_account_id`` and ``get_region`` of ``ministack.core.responses`` read context variables. Only
they have the account of an IAM or STS key, and another HTTP request for it would double every call.
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
    """The answer that refuses a request."""
    return error_response_json(code, message, status)


def first(found: Any) -> Any:
    """The value of a query parameter, which may be a list."""
    return found[0] if isinstance(found, list) else found


def fields_of(answer: Any) -> dict[str, Any]:
    """The JSON fields of an answer's body."""
    fields: dict[str, Any] = json.loads(answer[2])
    return fields


def account() -> Scope:
    """Account id and region of this task's current or last request."""
    return Scope(get_account_id(), get_region())
