"""What finished requests left open, as items of the queue's table, in the order in which it is due.

They have a hash key of their own, ``jobStatus = otactl-open``, and begin their range key with the
time, so that one query finds what is due and reads nothing else. Only workers may write there. What
is read is not trusted: an item that is none is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from otactl.aws.queue_item import ORDER_KEY, STATE, Item, query_of
from otactl.jobqueue.request import LeftOpen
from otactl.model.arn import is_region
from otactl.model.open_jobs import OPEN_JOBS

_OPEN_STATE = "otactl-open"
_CONTENT = "open"
_DIGITS = 15
_KEY = re.compile(rf"(\d{{{_DIGITS}}})/(.+)", re.ASCII)


def open_key(left_open: LeftOpen) -> Item:
    """The primary key of what is left open."""
    stamp = f"{left_open.due_ms:0{_DIGITS}d}/{left_open.order_key}"
    return {STATE: {"S": _OPEN_STATE}, ORDER_KEY: {"S": stamp}}


def open_item(left_open: LeftOpen) -> Item:
    """The item of what is left open."""
    content = OPEN_JOBS.dump_json(left_open.jobs).decode()
    return open_key(left_open) | {_CONTENT: {"S": content}}


def left_open_of(item: Mapping[str, Any]) -> LeftOpen | None:
    """What an item says is left open; None if it is no such item."""
    try:
        jobs = OPEN_JOBS.validate_json(item[_CONTENT]["S"])
        match = _KEY.fullmatch(item[ORDER_KEY]["S"])
    except (KeyError, ValidationError):
        return None
    if match is None or not is_region(jobs.region):
        return None
    return LeftOpen(order_key=match[2], due_ms=int(match[1]), jobs=jobs)


def due_query(table_name: str, now_ms: int) -> Item:
    """The query for what is due by now."""
    key = ("#key < :key", f"{now_ms + 1:0{_DIGITS}d}")
    return query_of(table_name, _OPEN_STATE, consistent=False, key=key)
