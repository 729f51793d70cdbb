"""Reads a job request from an item of the table. Items are not trusted.

Each attribute must have its type and range, texts must be printable, and keys must name plain
files. An invalid item becomes a ``MalformedRequest`` and is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.aws.queue_item import (
    COUNTERS,
    FENCE,
    FILES,
    LEASE_UNTIL,
    NUMBERS,
    ORDER_KEY,
    OURS,
    OWNER,
    RUN,
    STATE,
    TEXTS,
    Item,
    item_of,
)
from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import (
    Failure,
    JobRequest,
    Lease,
    MalformedRequest,
    Outcome,
    Series,
    Targets,
)
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.stored_file import FileRole, StoredFile, check_digest, check_key
from otactl.jobqueue.target_set import TargetSet
from otactl.model.identifier import is_bucket_name, is_job_id
from otactl.model.quoting import printable, quoted
from otactl.model.wave import WHOLE

#: Epoch milliseconds of the year 5138: all counts and times here are below it.
MAX_NUMBER = 10**14
#: An item may have 400 KB (DynamoDB limits); the rest is for what a worker adds to it.
_MAX_ITEM_BYTES = 360_000
#: Requests that one may wait for (``after``); each is read.
_MAX_AFTER = 1000
#: Versions that one may be rolled back to (imageList).
_MAX_FORMER = 99
#: A range key has 1 to 1024 bytes (DynamoDB limits); a read with another one is refused.
_MAX_KEY_BYTES = 1024
#: Attributes in the conditions of writes: a condition matches only what a worker wrote.
_GUARDED = (FENCE, OWNER, LEASE_UNTIL, RUN)
_REQUIRED_FILES = (FileRole.IMAGE, FileRole.CONFIGURATION, FileRole.THING_LIST)


def request_of(item: Mapping[str, Any]) -> JobRequest | MalformedRequest:
    """The request an item holds, or what is wrong with the item."""
    order_key = str(item[ORDER_KEY]["S"])
    state = RequestState(item[STATE]["S"])
    if _size(item) > _MAX_ITEM_BYTES:
        # It would exceed the limit with what a worker adds to it.
        return MalformedRequest(
            order_key=order_key,
            state=state,
            reason=f"it has more than {_MAX_ITEM_BYTES:,} bytes",
            item=dict(item),
            is_too_large=True,
        )
    try:
        request = _request(_Attributes(item), order_key, state)
        _check_hold(request, item)
    except ValueError as error:
        return MalformedRequest(
            order_key=order_key, state=state, reason=f"invalid request: {error}", item=dict(item)
        )
    return request


def _check_hold(request: JobRequest, item: Mapping[str, Any]) -> None:
    """Refuse a request that no write could move: it would block its things for ever.

    Raises:
        ValueError: Its lease is not as a worker writes it, or does not match its state.
    """
    written = item_of(request)
    for name in _GUARDED:
        if item.get(name) != written.get(name):
            raise ValueError(f"{name} is not as a worker writes it")
    if request.state is RequestState.DEPLOYING and not (request.lease and request.fence):
        raise ValueError(f"it is {request.state}, but no worker has claimed it ({OWNER}, {FENCE})")
    if request.state is RequestState.PENDING and request.lease is not None:
        raise ValueError(f"it is {request.state}, but {quoted(request.lease.owner)} has it")


def _size(value: Any) -> int:
    """The approximate size of an attribute in bytes (DynamoDB, item sizes)."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes | bytearray):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(name) + _size(inner) for name, inner in value.items())
    if isinstance(value, list | set | tuple):
        return sum(1 + _size(inner) for inner in value)
    return len(value.value) if hasattr(value, "value") else 1


class _Attributes:
    """Reads attributes of an item, each of the type it must have."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item

    def _get(self, name: str, kind: str) -> Any:
        value = self._item.get(name)
        if value is None:
            return None
        if kind not in value:
            raise ValueError(f"{name} has the type {'/'.join(value)}, not {kind}")
        return value[kind]

    def text(self, name: str) -> str | None:
        """A text; unprintable characters are escaped."""
        value = self._get(name, "S")
        return None if value is None else printable(value) if not value.isprintable() else value

    def lines(self, name: str) -> str:
        """A text of several lines; unprintable characters are escaped."""
        value = self._get(name, "S") or ""
        return "".join(
            sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in value
        )

    def required(self, name: str) -> str:
        """A required text."""
        value = self.text(name)
        if not value:
            raise ValueError(f"{name} is missing")
        return value

    def number(self, name: str) -> int | None:
        """A whole number that is not negative."""
        value = self._get(name, "N")
        if value is None:
            return None
        if not (value.isascii() and value.isdigit()):
            raise ValueError(f"{name} = {quoted(value)} is no whole number")
        number = int(value)
        if number > MAX_NUMBER:
            raise ValueError(f"{name} = {quoted(value)} is too large")
        return number

    def order_keys(self, name: str) -> tuple[str, ...]:
        """A list of printable range keys."""
        values = self._get(name, "L") or []
        if len(values) > _MAX_AFTER:
            raise ValueError(f"{name} has {len(values):,} entries, more than {_MAX_AFTER:,}")
        if not all("S" in value and value["S"].isprintable() for value in values):
            raise ValueError(f"{name} is no list of texts")
        if not all(0 < len(value["S"].encode()) <= _MAX_KEY_BYTES for value in values):
            raise ValueError(f"{name} holds an invalid key (not 1 to {_MAX_KEY_BYTES:,} bytes)")
        return tuple(value["S"] for value in values)

    def flag(self, name: str) -> bool:
        """Whether it exists and is true."""
        return bool(self._get(name, "BOOL"))

    def octets(self, name: str) -> bytes | None:
        """Binary content."""
        value = self._get(name, "B")
        return None if value is None else bytes(value)

    def file(self, role: FileRole) -> StoredFile | None:
        """A file of the request."""
        key = self.text(f"{role}Key")
        if key is None:
            return None
        digest = self.text(f"{role}Sha256")
        try:
            return StoredFile(
                key=check_key(key),
                sha256=None if digest is None else check_digest(digest),
                size_bytes=self.number(f"{role}Size"),
            )
        except ValueError as error:
            raise ValueError(f"{role}: {error}") from error

    def files(self, name: str, role: FileRole) -> tuple[StoredFile, ...]:
        """A list of files of the request."""
        values = self._get(name, "L") or []
        if len(values) > _MAX_FORMER:
            raise ValueError(f"{name} has {len(values):,} entries, more than {_MAX_FORMER:,}")
        if not all(isinstance(value.get("M"), Mapping) for value in values):
            raise ValueError(f"{name} is no list of files")
        return tuple(_Attributes(value["M"]).required_file(role) for value in values)

    def required_file(self, role: FileRole) -> StoredFile:
        """A required file."""
        file = self.file(role)
        if file is None:
            raise ValueError(f"{role}Key is missing")
        return file

    def foreign(self) -> Item:
        """The attributes that are not ours."""
        return {name: value for name, value in self._item.items() if name not in OURS}


def _request(read: _Attributes, order_key: str, state: RequestState) -> JobRequest:
    job_id = read.text("jobId") or job_id_of(order_key)
    if not is_job_id(job_id):
        raise ValueError(f"jobId = {quoted(job_id)} is no job id")
    bucket = read.required("bucketId")
    if not is_bucket_name(bucket):
        raise ValueError(f"bucketId = {quoted(bucket)} is no bucket name")
    found: dict[str, Any] = {field: read.number(name) for name, field in NUMBERS.items()}
    # A missing counter keeps its default.
    found |= {field: number for name, field in COUNTERS.items() if (number := read.number(name))}
    found |= {field: read.text(name) or "" for name, field in TEXTS.items()}
    for role, field in FILES.items():
        found[field] = read.required_file(role) if role in _REQUIRED_FILES else read.file(role)
    share = found["required_succeeded"]
    if share is not None and not 1 <= share <= WHOLE:
        raise ValueError(f"requiredSucceeded = {share} is no share in hundredths of a percent")
    request = JobRequest(
        job_id=job_id,
        order_key=order_key,
        state=state,
        bucket=bucket,
        former=read.files("formerFiles", FileRole.FORMER),
        targets=_targets(read),
        after=read.order_keys("after"),
        series=_series(read),
        lease=_lease(read),
        outcome=_outcome(read),
        failure=_failure(read),
        foreign=read.foreign(),
        **found,
    )
    if len({file.name for file in request.files} | {"dev.ini"}) != len(request.files) + 1:
        raise ValueError("two of its files have the same name, or one is called dev.ini")
    return request


def _targets(read: _Attributes) -> Targets | None:
    count = read.number("targetCount")
    if count is None:
        return None
    inline = read.octets("targetDigests")
    TargetSet(inline or b"")  # raises ValueError if it is invalid
    return Targets(
        count=count,
        inline=inline,
        file=read.file(FileRole.TARGETS),
        has_groups=read.flag("targetGroups"),
    )


def _series(read: _Attributes) -> Series | None:
    name = read.text("seriesName")
    if name is None:
        return None
    return Series(
        name=name, part=read.number("seriesPart") or 1, parts=read.number("seriesParts") or 1
    )


def _lease(read: _Attributes) -> Lease | None:
    owner = read.text(OWNER)
    return None if not owner else Lease(owner=owner, until_ms=read.number(LEASE_UNTIL) or 0)


def _outcome(read: _Attributes) -> Outcome | None:
    things = read.number("things")
    if things is None:
        return None
    return Outcome(
        things=things,
        succeeded=read.number("succeeded") or 0,
        rounds=read.number("rounds") or 0,
        to_roll_back=read.number("rollbackThings"),
        rolled_back=read.number("rolledBack"),
    )


def _failure(read: _Attributes) -> Failure | None:
    kind = read.text("failureKind")
    if kind is None:
        return None
    return Failure(
        kind=FailureKind(kind),
        reason=read.lines("failureReason"),
        exit_code=read.number("exitCode") or 1,
    )
