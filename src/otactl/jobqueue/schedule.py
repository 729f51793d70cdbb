"""Which requests may be deployed now, and what the others wait for. Pure.

The rules, applied in the queue's order:

1. A request waits until its not-before time.
2. It waits until every request it comes after has succeeded. If one of those has failed, was
   cancelled, does not exist or is itself held, it is held: it is never deployed by itself.
3. It waits while a request that shares a thing with it is being deployed: one deployment per thing
   at a time. It also waits for every request ahead that shares a thing with it, so that an older
   image never follows a newer one. It does not wait for a request that is held, for one whose time
   has not come, or for one that comes after any of these or after a request further behind. So all
   requests that may be deployed now are for different things, and no two wait for each other: each
   waits for one being deployed or one ahead, and the first of those ahead may be deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.target_set import TargetSet

#: How far a chain of dependencies is followed that are behind in the queue.
_MAX_DEPTH = 100


class WaitReason(StrEnum):
    """Why a pending request is not deployed now."""

    TIME = "time"
    DEPENDENCY = "dependency"
    HELD = "held"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a request waits for.

    Attributes:
        on: The id of the request it waits for; empty for a time.
    """

    reason: WaitReason
    on: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one pending request may be deployed."""

    request: JobRequest
    wait: Wait | None


def judge(
    pending: Iterable[JobRequest],
    active: Sequence[JobRequest],
    *,
    now_ms: int,
    targets_of: Callable[[JobRequest], TargetSet],
    find: Callable[[str], JobRequest | MalformedRequest | None],
) -> Iterator[Verdict]:
    """Judge pending requests one by one.

    Args:
        pending: In the queue's order; read only as far as the caller reads the verdicts.
        active: Those being deployed.
        now_ms: Epoch milliseconds.
        targets_of: Returns the targets of a request.
        find: Returns the request of an order key; None if not found.
    """
    ahead = {request.order_key: (request, targets_of(request)) for request in active}
    dependencies = _Dependencies(find)
    for request in pending:
        wait = dependencies.wait_of(request)
        if wait is None or wait.reason is not WaitReason.HELD:
            wait = _time(request, now_ms) or wait
        if wait is not None and not (
            wait.reason is WaitReason.DEPENDENCY and ahead.keys() >= dependencies.unmet(request)
        ):
            yield Verdict(request, wait)
            continue
        targets = targets_of(request)
        if wait is None:
            wait = _overlap(targets, ahead.values())
        ahead[request.order_key] = (request, targets)
        yield Verdict(request, wait)


class _Dependencies:
    """Finds what a request that comes after others waits for (rule 2)."""

    def __init__(self, find: Callable[[str], JobRequest | MalformedRequest | None]) -> None:
        self._find = find
        self._known: dict[str, Wait | None] = {}

    def wait_of(self, request: JobRequest, depth: int = 0) -> Wait | None:
        """What a pending request waits for by rule 2."""
        if request.order_key not in self._known:
            # Ends a circle of requests that come after each other: each is entered once.
            self._known[request.order_key] = None
            waits = [self._wait_on(key, depth) for key in request.after]
            unmet = [wait for wait in waits if wait is not None]
            held = [wait for wait in unmet if wait.reason is WaitReason.HELD]
            self._known[request.order_key] = next(iter((*held, *unmet)), None)
        return self._known[request.order_key]

    def unmet(self, request: JobRequest) -> set[str]:
        """The keys of those it comes after that have not succeeded yet."""
        return {key for key in request.after if self._wait_on(key, 0) is not None}

    def _wait_on(self, order_key: str, depth: int) -> Wait | None:
        found = self._find(order_key)
        if found is None or found.state in (RequestState.FAILED, RequestState.CANCELED):
            return Wait(WaitReason.HELD, job_id_of(order_key))
        if found.state is RequestState.DEPLOYED:
            return None
        # The one it comes after may itself be held. Usually that one is ahead and known; if it is
        # behind, with a lower priority, its own dependencies are followed, up to a limit.
        if isinstance(found, JobRequest) and depth < _MAX_DEPTH:
            wait = self.wait_of(found, depth + 1)
            if wait is not None and wait.reason is WaitReason.HELD:
                return wait
        return Wait(WaitReason.DEPENDENCY, job_id_of(order_key))


def _time(request: JobRequest, now_ms: int) -> Wait | None:
    if request.not_before_ms is None or request.not_before_ms <= now_ms:
        return None
    return Wait(WaitReason.TIME)


def _overlap(targets: TargetSet, ahead: Iterable[tuple[JobRequest, TargetSet]]) -> Wait | None:
    for other, others_targets in ahead:
        if targets.overlaps(others_targets):
            return Wait(WaitReason.OVERLAP, other.job_id)
    return None
