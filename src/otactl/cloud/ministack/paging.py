"""Pages of the registry's lists: ``maxResults`` and ``nextToken``, which MiniStack lacks.

AWS returns at most 250 entries of a list at once (aws-facts A9), so a program that ignores
``nextToken`` gets only a part. botocore's paginators name the members of an operation that are the
token, the limit and the list.

Touched, in ``ministack.services.iot``: ``handle_request`` is wrapped; MiniStack returns the whole
list, which is cut here. If MiniStack itself pages a list, only the limit is lowered.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack.answer import OK, REQUEST, fields_of, first, refused
from otactl.cloud.ministack.shape import Changes
from otactl.cloud.operation import find_operation
from otactl.cloud.page_token import page_token, read_token
from otactl.cloud.service_model import LOADER

#: The default and the maximum number of entries in a page (aws-facts A9).
LARGEST_PAGE = 250
#: The lists that MiniStack itself cuts into pages.
_CUT_BY_MINISTACK = frozenset(
    (
        "ListJobTemplates",
        "ListJobExecutionsForJob",
        "ListJobExecutionsForThing",
        "ListDomainConfigurations",
    )
)


@dataclass(frozen=True, slots=True)
class _Page:
    """The names of an operation's paging members."""

    operation: str
    token: str
    next_token: str
    limit: str
    listed: str


def install(changes: Changes, largest_page: int = LARGEST_PAGE) -> None:
    """Install paging."""

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        operation = find_operation("iot", method, path) if method == "GET" else None
        page = None if operation is None else _pages().get(operation.name)
        if page is None:
            return await handle(method, path, headers, body, query)
        asked = {name: first(found) for name, found in query.items()}
        size = min(int(asked.get(page.limit) or largest_page), largest_page)
        if page.operation in _CUT_BY_MINISTACK:
            return await handle(method, path, headers, body, asked | {page.limit: str(size)})
        offset = read_token(page.operation, asked.get(page.token) or None)
        if offset is None:
            return refused("Next token is invalid.")
        rest = {name: text for name, text in asked.items() if name not in (page.token, page.limit)}
        return _cut(await handle(method, path, headers, body, rest), page, offset, size)


def _cut(answer: Any, page: _Page, offset: int, size: int) -> Any:
    """The requested page of a list, with the token of the next page."""
    status, headers, _ = answer
    if status != OK:
        return answer
    fields = fields_of(answer)
    listed = fields.get(page.listed) or []
    fields[page.listed] = listed[offset : offset + size]
    fields.pop(page.next_token, None)
    if offset + size < len(listed):
        fields[page.next_token] = page_token(page.operation, offset + size)
    return status, headers, json.dumps(fields).encode()


@functools.cache
def _pages() -> Mapping[str, _Page]:
    """The paging members by operation, from botocore's paginators with one list and a limit."""
    paginators = LOADER.load_service_model("iot", "paginators-1")["pagination"]
    return {
        name: _Page(
            name, reported["input_token"], reported["output_token"], reported["limit_key"], listed
        )
        for name, reported in paginators.items()
        # The stream service pages its own list.
        if name != "ListStreams"
        and "limit_key" in reported
        and isinstance(listed := reported["result_key"], str)
    }
