"""The position of a request in the queue: its order key, and the id made of it.

The table's range key (``timestamp``, the manual's schema) is the order in which requests are
taken, because DynamoDB returns the items of one ``jobStatus`` sorted by its bytes:

* ``20261123-143355-123-7f3a9c``: UTC with milliseconds, and six random digits that keep two
  requests of one millisecond apart;
* ``!20261123-…`` for high and ``~20261123-…`` for low priority: ``!`` sorts before every digit,
  ``~`` behind;
* ``20261123-143355``: the manual's own script, of one second's resolution. It sorts among ours.

The key stays the same in all states, so a request is found by its key in each of them.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from enum import StrEnum

_STAMP = re.compile(r"(?P<second>\d{8}-\d{6})(?:-(?P<ms>\d{3})-[0-9a-f]{6})?", re.ASCII)
_JOB_ID_PREFIX = "jobId_"
_STREAM_ID_PREFIX = "streamId_"


class Priority(StrEnum):
    """Which requests go first; within one priority the oldest do."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


_MARKS = {Priority.HIGH: "!", Priority.NORMAL: "", Priority.LOW: "~"}


def new_stamp(now_ms: int, random_bytes: bytes) -> str:
    """A readable, sortable and unique time stamp.

    Args:
        now_ms: Epoch milliseconds.
        random_bytes: Three bytes.
    """
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{now_ms % 1000:03d}-{random_bytes.hex()[:6]}"


def order_key(stamp: str, priority: Priority) -> str:
    """The range key of a request."""
    return _MARKS[priority] + stamp


def priority_of(key: str) -> Priority:
    """The priority an order key was made with."""
    return next(
        (priority for priority, mark in _MARKS.items() if mark and key.startswith(mark)),
        Priority.NORMAL,
    )


def stamp_of(key: str) -> str:
    """The time in an order key."""
    return key.lstrip("!~")


def added_ms_of(key: str) -> int | None:
    """When the request was added, epoch milliseconds; None if the key has no valid time."""
    match = _STAMP.fullmatch(stamp_of(key))
    if match is None:
        return None
    try:
        moment = datetime.strptime(match["second"], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int(match["ms"] or 0)


def job_id_of(key: str) -> str:
    """The id of a request, which its job has in AWS IoT too (the manual's form)."""
    return _JOB_ID_PREFIX + stamp_of(key)


def stream_id_of(key: str) -> str:
    """The id of the request's stream (the manual's form)."""
    return _STREAM_ID_PREFIX + stamp_of(key)


def order_keys_of(job_id: str) -> tuple[str, ...]:
    """The keys a request of this id can have, one for each priority."""
    stamp = job_id.removeprefix(_JOB_ID_PREFIX)
    if _STAMP.fullmatch(stamp) is None:
        return ()
    return tuple(mark + stamp for mark in _MARKS.values())


def is_request_id(text: str) -> bool:
    """Whether it is the id of a request that otactl added, or of such a request's job."""
    stamp = text.removeprefix(_JOB_ID_PREFIX)
    return stamp != text and _STAMP.match(stamp) is not None


def deployment_id_of(key: str, job_id: str, run: int) -> str:
    """The deployment id of one run of a request.

    Every worker that claims the request computes the same id, so it recognises what an earlier
    worker created in AWS for this request.

    Args:
        key: The order key.
        job_id: The request's id.
        run: 1, and one more each time the request is retried.
    """
    added_ms = added_ms_of(key) or 0
    moment = datetime.fromtimestamp(added_ms / 1000, UTC)
    suffix = hashlib.blake2b(f"{key} {job_id} {run}".encode(), digest_size=3).hexdigest()
    return f"{moment:%Y%m%dT%H%M%SZ}-{suffix}"
