"""The queue's table in memory: a real implementation of its Protocol, not a mock.

``tests/contract/test_queue_table.py`` holds it and DynamoDB to the same suite.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from otactl.errors import UserMistake
from otactl.jobqueue.order import Priority, job_id_of, new_stamp, order_key
from otactl.jobqueue.ports import ActiveRequests, ClaimAnswer, Gate
from otactl.jobqueue.request import JobRequest, MalformedRequest, Targets
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.target_set import TargetSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otactl.jobqueue.request import Failure, LeftOpen
    from otactl.jobqueue.transition import Guard

NOW_MS = 1_795_000_000_000


class ManualTime:
    """A clock that moves when it is told to; sleeping moves it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.ms = now_ms
        #: By how much somebody set the wall clock forward; negative: back.
        self.set_forward_ms = 0

    def now_ms(self) -> int:
        return self.ms + self.set_forward_ms

    def monotonic_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


class MemoryTable:
    """A table of requests."""

    def __init__(self) -> None:
        self.items: dict[tuple[RequestState, str], JobRequest | MalformedRequest] = {}
        self.left_open: list[LeftOpen] = []
        self.gate = 0

    def add(self, requests: Sequence[JobRequest]) -> None:
        if any((each.state, each.order_key) in self.items for each in requests):
            raise UserMistake("in the queue already")
        for each in requests:
            self.items[each.state, each.order_key] = each

    def active(self) -> ActiveRequests:
        found = list(self.listed(RequestState.DEPLOYING))
        return ActiveRequests(
            gate={"N": str(self.gate)} if self.gate else None,
            requests=tuple(each for each in found if isinstance(each, JobRequest)),
            malformed=tuple(each for each in found if isinstance(each, MalformedRequest)),
        )

    def listed(self, state: RequestState) -> Iterator[JobRequest | MalformedRequest]:
        yield from [self.items[key] for key in sorted(self.items) if key[0] is state]

    def find(self, order_keys: Sequence[str]) -> tuple[JobRequest | MalformedRequest, ...]:
        found = [item for (_, key), item in self.items.items() if key in order_keys]
        return tuple(sorted(found, key=lambda each: each.order_key))

    def claim(self, before: JobRequest, after: JobRequest, *, gate: Gate) -> ClaimAnswer:
        found = self.items.get((before.state, before.order_key))
        if (
            not isinstance(found, JobRequest)
            or found.fence != before.fence
            or found.lease is not None
            or (after.state, after.order_key) in self.items
        ):
            return ClaimAnswer.GONE
        if gate != self.active().gate:
            return ClaimAnswer.OUTDATED
        self.gate += 1
        self._replace(before, after)
        return ClaimAnswer.CLAIMED

    def amend(self, before: JobRequest, after: JobRequest, guard: Guard) -> bool:
        if not self._holds(before, guard):
            return False
        self._replace(before, after)
        return True

    def move(
        self,
        before: JobRequest,
        after: JobRequest,
        guard: Guard,
        left_open: LeftOpen | None = None,
    ) -> bool:
        if (after.state, after.order_key) in self.items or not self.amend(before, after, guard):
            return False
        self.left_open += [left_open] if left_open else []
        return True

    def due(self, now_ms: int) -> Iterator[LeftOpen]:
        found = sorted(self.left_open, key=lambda each: (each.due_ms, each.order_key))
        return iter([each for each in found if each.due_ms <= now_ms])

    def reschedule(self, left_open: LeftOpen, due_ms: int | None) -> bool:
        if left_open not in self.left_open:
            return False
        self.left_open.remove(left_open)
        if due_ms is not None:
            self.left_open.append(replace(left_open, due_ms=due_ms))
        return True

    def quarantine(self, malformed: MalformedRequest, failure: Failure, *, now_ms: int) -> bool:
        if self.items.pop((malformed.state, malformed.order_key), None) is None:
            return False
        put_away = replace(malformed, state=RequestState.FAILED, reason=failure.reason)
        self.items[RequestState.FAILED, malformed.order_key] = put_away
        return True

    def _holds(self, before: JobRequest, guard: Guard) -> bool:
        found = self.items.get((before.state, before.order_key))
        if not isinstance(found, JobRequest) or found.fence != guard.fence:
            return False
        owner = found.lease.owner if found.lease else None
        until_ms = found.lease.until_ms if found.lease else None
        return owner == guard.owner and guard.until_ms in (None, until_ms)

    def _replace(self, before: JobRequest, after: JobRequest) -> None:
        del self.items[before.state, before.order_key]
        self.items[after.state, after.order_key] = after


class MemoryTargets:
    """Knows whom requests are for: what their items say."""

    def targets_of(self, request: JobRequest) -> TargetSet:
        return TargetSet((request.targets.inline or b"") if request.targets else b"")


def request_for(
    *things: str,
    added_ms: int = NOW_MS,
    number: int = 0,
    priority: Priority = Priority.NORMAL,
    **changes: object,
) -> JobRequest:
    """A pending request for these things.

    Args:
        things: Their names.
        added_ms: When it was added.
        number: Keeps requests of one millisecond apart.
        priority: Where it stands.
        changes: Other attributes.
    """
    key = order_key(new_stamp(added_ms, number.to_bytes(3, "big")), priority)
    job_id = job_id_of(key)
    packed = TargetSet.of(f"arn:aws:iot:us-east-1:123456789012:thing/{name}" for name in things)
    made = JobRequest(
        job_id=job_id,
        order_key=key,
        state=RequestState.PENDING,
        bucket="queue-bucket",
        image=StoredFile(key=f"release/binFile_{job_id}_a.bin", sha256="a" * 64, size_bytes=3),
        configuration=StoredFile(key=f"release/devFile_{job_id}_dev.ini", sha256="b" * 64),
        thing_list=StoredFile(key=f"release/thingListFile_{job_id}_l.txt", sha256="c" * 64),
        targets=Targets(count=len(things), inline=packed.packed),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
