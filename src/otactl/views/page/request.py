"""Reads and validates what a browser sends; every result is within bounds."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from otactl.model.identifier import is_thing_name
from otactl.model.status import ExecutionStatus
from otactl.model.wave import Act
from otactl.monitor.table_query import SortBy, TableQuery

_MAX_SEARCH = 200
_MAX_COMMENT = 500
_MAX_OFFSET = 10_000_000
_MAX_SIZE = 200
_WIDTHS = (240, 2000)
#: The body of a request; a job id and a thing name are a few hundred bytes.
MAX_BODY_BYTES = 4096

E = TypeVar("E", bound=StrEnum)


class BadRequest(ValueError):
    """Raised when a request is invalid; its message goes back to the page."""


def job_of(parameters: Mapping[str, Any], job_ids: Collection[str]) -> str:
    """The job a request is about: one of those that are watched.

    Raises:
        BadRequest: It is not one of them.
    """
    job_id = parameters.get("job")
    if not isinstance(job_id, str) or job_id not in job_ids:
        raise BadRequest("no such job is watched here")
    return job_id


def thing_of(parameters: Mapping[str, Any]) -> str | None:
    """The thing a request is about, or None if it is about a whole job.

    Raises:
        BadRequest: It is not a valid thing name.
    """
    name = parameters.get("thing")
    if name in (None, ""):
        return None
    if not isinstance(name, str) or not is_thing_name(name):
        raise BadRequest("not a valid thing name")
    return name


def status_of(parameters: Mapping[str, Any]) -> ExecutionStatus | None:
    """The status a request names, or None for all.

    Raises:
        BadRequest: It is not a valid status.
    """
    status = parameters.get("status")
    if status in (None, ""):
        return None
    return _one_of(ExecutionStatus, status, "not a status of an execution")


def table_query(parameters: Mapping[str, str]) -> TableQuery:
    """The requested page of the table.

    Raises:
        BadRequest: A parameter is invalid.
    """
    status, sort = status_of(parameters), parameters.get("sort", SortBy.THING)
    return TableQuery(
        statuses=frozenset((status,)) if status else frozenset(),
        search=parameters.get("search", "")[:_MAX_SEARCH],
        sort=_one_of(SortBy, sort, "things are sorted by thing, status or updated"),
        descending=parameters.get("descending") == "true",
        offset=_whole(parameters.get("offset", "0"), 0, _MAX_OFFSET),
        limit=_whole(parameters.get("limit", "50"), 1, _MAX_SIZE),
    )


def width_of(parameters: Mapping[str, str]) -> int:
    """The width of a drawing, in pixels."""
    return _whole(parameters.get("width", "640"), *_WIDTHS)


def body_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        BadRequest: It is not a JSON object.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the request is not JSON") from error
    if not isinstance(fields, dict):
        raise BadRequest("the request is not a JSON object")
    return fields


def act_of(parameters: Mapping[str, Any]) -> Act:
    """What is decided at a gate."""
    return _one_of(Act, parameters.get("act"), "approve, reject, pause or continue?")


def comment_of(parameters: Mapping[str, Any]) -> str:
    """The person's comment, on one line."""
    comment = parameters.get("comment", "")
    if not isinstance(comment, str) or len(comment) > _MAX_COMMENT:
        raise BadRequest(f"a comment is a text of {_MAX_COMMENT} characters at most")
    return " ".join(comment.split())


def check_typed(fields: Mapping[str, Any], job_id: str) -> None:
    """Refuse to cancel a job whose id the user did not type.

    The page asks for it; a request from elsewhere must have it too.

    Raises:
        BadRequest: It was not typed.
    """
    if fields.get("typed") != job_id:
        raise BadRequest("to cancel a job, its id must be typed")


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - fits every limit
        raise BadRequest("a whole number was expected")
    return min(max(int(text), least), most)


def _one_of(kind: type[E], value: Any, refusal: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise BadRequest(refusal) from error
