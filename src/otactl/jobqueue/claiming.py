"""How a worker gets a request: it takes over an abandoned one, or claims a pending one.

Two workers may read the queue at the same moment and choose requests that share a thing. The gate
prevents that: a claim succeeds only if nothing was claimed since its worker read the active
requests. The loser reads again after a random pause, and then picks any of the first few requests
that may be deployed, so that many workers do not all choose the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import count, islice

from otactl.jobqueue.lease_policy import CLOCK_SKEW_MS, MAX_LEASE_MS, LeasePolicy
from otactl.jobqueue.overview import Overview
from otactl.jobqueue.ports import ActiveRequests, ClaimAnswer, RequestTable, TargetReader
from otactl.jobqueue.request import Failure, JobRequest, MalformedRequest
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.transition import failed, guard_of_take_over, taken
from otactl.model.clock import Clock
from otactl.model.quoting import quoted
from otactl.rules.backoff import Backoff

#: A worker that lost a claim picks one of the first N requests.
_CANDIDATES = 8
#: The pending requests are read again after N tries, the active ones before each.
_REREAD_AFTER = 8


@dataclass(eq=False, slots=True)
class Claimer:
    """Claims requests for one worker.

    Attributes:
        table: The queue.
        targets: Reads which things a request is for.
        time: Time.
        owner: The worker's unique name.
        policy: How long a lease lasts, and after how many attempts a request is dead.
        draw: Returns random numbers in [0, 1).
        warn: Called once for each item that is not a valid request.
    """

    table: RequestTable
    targets: TargetReader
    time: Clock
    _: KW_ONLY
    owner: str
    policy: LeasePolicy
    draw: Callable[[], float]
    warn: Callable[[str], None] = lambda _: None
    _warned: set[tuple[RequestState, str]] = field(init=False, default_factory=set)
    _overview: Overview = field(init=False)

    def __post_init__(self) -> None:
        self._overview = Overview(self.table, self.targets, self.time)

    def claim(self) -> JobRequest | None:
        """Claim a request. Returns None if none may be deployed."""
        gone: set[str] = set()
        pending: Iterable[JobRequest] = ()
        backoff = Backoff(first_seconds=0.05, longest_seconds=5.0, draw=self.draw)
        for tries in count(1):
            active = self.table.active()
            for malformed in active.malformed:
                self._quarantine(malformed)
            active = self._without_dead(active)
            if tries % _REREAD_AFTER == 1:
                pending = self._overview.pending(self._quarantine)
            request = self._take_over(active)
            if request is not None:
                return request
            wanted = self._choose(active, pending, among=_CANDIDATES if tries > 1 else 1, gone=gone)
            if wanted is None:
                return None
            mine = self._taken(wanted)
            answer = self.table.claim(wanted, mine, gate=active.gate)
            if answer is ClaimAnswer.CLAIMED:
                return mine
            if answer is ClaimAnswer.GONE:
                gone.add(wanted.order_key)
            self.time.sleep(backoff.pause_seconds(tries))
        raise AssertionError("counting never ends")

    def _without_dead(self, active: ActiveRequests) -> ActiveRequests:
        """The active requests; those with too many attempts are moved to Failed."""
        living = [request for request in active.requests if not self._fail_if_dead(request)]
        return replace(active, requests=tuple(living))

    def _fail_if_dead(self, request: JobRequest) -> bool:
        if not self._is_free(request) or request.attempt < self.policy.max_attempts:
            return False
        over = failed(request, _dead(request), now_ms=self.time.now_ms())
        return self.table.move(request, over, guard_of_take_over(request))

    def _is_free(self, request: JobRequest) -> bool:
        """Whether its lease is over, or longer than any worker's."""
        now_ms = self.time.now_ms()
        until_ms = request.lease.until_ms if request.lease else 0
        return not now_ms < until_ms <= now_ms + MAX_LEASE_MS + CLOCK_SKEW_MS

    def _take_over(self, active: ActiveRequests) -> JobRequest | None:
        for request in active.requests:
            if not self._is_free(request) or request.attempt >= self.policy.max_attempts:
                continue
            mine = self._taken(request)
            if self.table.amend(request, mine, guard_of_take_over(request)):
                return mine
        return None

    def _choose(
        self,
        active: ActiveRequests,
        pending: Iterable[JobRequest],
        *,
        among: int,
        gone: Container[str],
    ) -> JobRequest | None:
        """One of the first N that may be deployed now."""
        free = (
            verdict.request
            for verdict in self._overview.verdicts(active, pending)
            if verdict.wait is None and verdict.request.order_key not in gone
        )
        candidates = list(islice(free, among))
        return candidates[int(self.draw() * len(candidates))] if candidates else None

    def _taken(self, request: JobRequest) -> JobRequest:
        return taken(
            request,
            owner=self.owner,
            now_ms=self.time.now_ms(),
            lease_ms=self.policy.lease_ms,
        )

    def _quarantine(self, malformed: MalformedRequest) -> None:
        failure = Failure(kind=FailureKind.REFUSED, reason=malformed.reason, exit_code=2)
        is_moved = self.table.quarantine(malformed, failure, now_ms=self.time.now_ms())
        name = (malformed.state, malformed.order_key)
        if name not in self._warned:
            self._warned.add(name)
            where = f"moved to {RequestState.FAILED}" if is_moved else "left where it is"
            self.warn(
                f"{malformed.state} {quoted(malformed.order_key)}: {malformed.reason}; {where}"
            )


def _dead(request: JobRequest) -> Failure:
    error = request.last_error or "no error is recorded"
    return Failure(
        kind=FailureKind.DEAD,
        reason=(
            f"{request.attempt} workers claimed it and none finished it ({error});"
            f" what it created in AWS is named {request.aws_job_id}"
        ),
    )
