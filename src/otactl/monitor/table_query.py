"""Finds things in an execution table: by status, by a part of their name or reason, page by page.

Fast for 100,000 things: one pass over the columns, and only as much sorting as the page needs.
Things that were updated at the same time are in the order in which they became known.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.failure_groups import on_one_line

MAX_PAGE = 1000
#: A heap selects the first rows if all are at least N times as many; otherwise all are sorted.
_FEW = 20
_STATUSES = tuple(ExecutionStatus)


class SortBy(StrEnum):
    """The order of a page."""

    THING = "thing"
    STATUS = "status"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableQuery:
    """Which things to show.

    Attributes:
        statuses: Only these; empty for all.
        search: Only things whose name or reason contains this, ignoring case.
        offset, limit: The page; at most ``MAX_PAGE`` things.
    """

    statuses: frozenset[ExecutionStatus] = frozenset()
    search: str = ""
    sort: SortBy = SortBy.THING
    descending: bool = False
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TablePage:
    """The things of one page.

    Attributes:
        total: The number of things on all pages.
        lacks_reasons: Whether a search did not have all reasons, as the oldest are not kept.
    """

    things: tuple[ThingOutcome, ...]
    total: int
    lacks_reasons: bool = False


def select(table: ExecutionTable, query: TableQuery) -> TablePage:
    """The page of things that match a query."""
    rows = _matching(table, query)
    first = max(0, query.offset)
    last = first + max(0, min(query.limit, MAX_PAGE))
    page = _first(last, rows, _order(table, query.sort), descending=query.descending)[first:]
    lacks_reasons = bool(query.search) and table.lacks_details
    return TablePage(tuple(map(table.outcome, page)), len(rows), lacks_reasons)


def select_all(table: ExecutionTable, query: TableQuery) -> tuple[ThingOutcome, ...]:
    """Every thing that matches a query, in its order, on one page."""
    rows = sorted(_matching(table, query), key=_order(table, query.sort), reverse=query.descending)
    return tuple(map(table.outcome, rows))


def _first(
    count: int, rows: list[int], order: Callable[[int], Any], *, descending: bool
) -> list[int]:
    if count * _FEW > len(rows):
        return sorted(rows, key=order, reverse=descending)[:count]
    return (heapq.nlargest if descending else heapq.nsmallest)(count, rows, key=order)


def _matching(table: ExecutionTable, query: TableQuery) -> list[int]:
    wanted = query.statuses or frozenset(ExecutionStatus)
    codes = frozenset(code for code, status in enumerate(_STATUSES) if status in wanted)
    rows: Iterable[int] = (row for row, code in enumerate(table.codes) if code in codes)
    if not query.search:
        return list(rows)
    needle = on_one_line(query.search).casefold()
    return [
        row
        for row in rows
        if needle in table.names[row].casefold()
        or needle in on_one_line(table.detail(row, "reason")).casefold()
    ]


def _order(table: ExecutionTable, sort: SortBy) -> Callable[[int], Any]:
    names, codes, updated = table.names, table.codes, table.updated
    match sort:
        case SortBy.THING:
            return names.__getitem__
        case SortBy.STATUS:
            return lambda row: (codes[row], names[row])
        case SortBy.UPDATED:
            return updated.__getitem__
