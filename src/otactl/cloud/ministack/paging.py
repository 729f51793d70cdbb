"""Pages of the registry's lists: ``maxResults`` and ``nextToken``, which MiniStack leaves out.

AWS gives at most 250 entries of a list at a time (aws-facts A9), so that a program which forgets
``nextToken`` sees a part only. Which member is the token, which the limit and which the list is
what botocore's paginators say of the operation.

Touched, in ``ministack.services.iot``: ``handle_request`` is wrapped; the list is taken whole from
MiniStack and cut. Lists that MiniStack cuts itself are asked for at most a page.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from ministack.core.responses import error_response_json
from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters
from otactl.cloud.operation import find_operation

#: Entries of a page when the caller does not say, and the most it may say (aws-facts A9).
LARGEST_PAGE = 250
#: Those that MiniStack cuts into pages, and those whose limit travels in a body.
_CUT_BY_MINISTACK = frozenset(
    (
        "ListJobTemplates",
        "ListJobExecutionsForJob",
        "ListJobExecutionsForThing",
        "ListDomainConfigurations",
    )
)
_OK = 200


@dataclass(frozen=True, slots=True)
class _Page:
    """How an operation spells its pages."""

    operation: str
    token: str
    next_token: str
    limit: str
    listed: str


def install(largest_page: int = LARGEST_PAGE) -> None:
    """Put pages in place.

    Args:
        largest_page: Entries of a page at most; small ones show a program that forgets the token.

    Raises:
        ShapeChanged: MiniStack does not call its services as this was written for.
    """
    handle = iot.handle_request
    require_parameters(handle, "method", "path", "headers", "body", "query_params")

    async def handle_request(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        operation = find_operation("iot", method, path) if method == "GET" else None
        page = None if operation is None else _pages().get(operation.name)
        if page is None:
            return await handle(method, path, headers, body, query_params)
        asked = {name: _first(found) for name, found in query_params.items()}
        size = min(int(asked.get(page.limit) or largest_page), largest_page)
        if page.operation in _CUT_BY_MINISTACK:
            return await handle(method, path, headers, body, asked | {page.limit: str(size)})
        offset = _offset(page, asked.get(page.token))
        if offset is None:
            return error_response_json("InvalidRequestException", "Next token is invalid.", 400)
        rest = {name: text for name, text in asked.items() if name not in (page.token, page.limit)}
        return _cut(await handle(method, path, headers, body, rest), page, offset, size)

    iot.handle_request = handle_request


def _cut(answer: Any, page: _Page, offset: int, size: int) -> Any:
    """The part of a list that was asked for, and the token of the next one."""
    status, headers, body = answer
    if status != _OK:
        return answer
    fields = json.loads(body)
    listed = fields.get(page.listed) or []
    fields[page.listed] = listed[offset : offset + size]
    fields.pop(page.next_token, None)
    if offset + size < len(listed):
        fields[page.next_token] = _token(page, offset + size)
    return status, headers, json.dumps(fields).encode()


def _token(page: _Page, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{page.operation}:{offset}".encode()).decode()


def _offset(page: _Page, token: str | None) -> int | None:
    """Where a page begins; None if the token is none of this operation's."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return None
    found = re.fullmatch(rf"{page.operation}:(\d{{1,12}})", text, re.ASCII)
    return int(found[1]) if found else None


def _first(found: Any) -> Any:
    return found[0] if isinstance(found, list) else found


@functools.cache
def _pages() -> Mapping[str, _Page]:
    """By operation, from botocore's paginators; those with one list and a limit."""
    loader = botocore.session.get_session().get_component("data_loader")
    paginators = loader.load_service_model("iot", "paginators-1")["pagination"]
    return {
        name: _Page(
            name, reported["input_token"], reported["output_token"], reported["limit_key"], listed
        )
        for name, reported in paginators.items()
        # Streams are not MiniStack's; who serves them cuts their list.
        if name != "ListStreams"
        and "limit_key" in reported
        and isinstance(listed := reported["result_key"], str)
    }
