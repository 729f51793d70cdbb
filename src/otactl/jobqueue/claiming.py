"""How a worker comes to a request: it takes over what another left, or claims what is pending.

Two workers may look at the same moment and choose requests that share a thing. The gate keeps them
apart: a claim succeeds only if nothing was claimed since its worker looked at the active requests.
The loser looks again, after a pause drawn at random, and then takes any of the first few requests
that may go, so that many workers do not all want the same one.
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

#: Among how many requests a worker that was beaten to one chooses.
_CHOICE = 8
#: After how many tries the pending requests are read anew; in between only the active ones are.
_REREAD_AFTER = 8


@dataclass(eq=False, slots=True)
class Claimer:
    """Claims requests for one worker.

    Attributes:
        table: The queue.
        targets: Knows whom a request is for.
        time: Time.
        owner: The worker's name, nobody else's.
        policy: How long a lease lasts, and how many workers may die on a request.
        draw: Random numbers of [0, 1).
        warn: Called with each item that is no request, once.
    """

    table: RequestTable
    targets: TargetReader
    time: Clock
    _: KW_ONLY
    owner: str
    policy: LeasePolicy
    draw: Callable[[], float]
    warn: Callable[[str], None] = lambda _: None
    _named: set[tuple[RequestState, str]] = field(init=False, default_factory=set)
    _overview: Overview = field(init=False)

    def __post_init__(self) -> None:
        self._overview = Overview(self.table, self.targets, self.time)

    def claim(self) -> JobRequest | None:
        """The request this worker has claimed; None when none may be deployed."""
        gone: set[str] = set()
        pending: Iterable[JobRequest] = ()
        backoff = Backoff(first_seconds=0.05, longest_seconds=5.0, draw=self.draw)
        for tries in count(1):
            active = self.table.active()
            for malformed in active.malformed:
                self._put_away(malformed)
            active = self._without_dead(active)
            if tries % _REREAD_AFTER == 1:
                pending = self._overview.pending(self._put_away)
            request = self._take_over(active)
            if request is not None:
                return request
            wanted = self._choose(active, pending, among=_CHOICE if tries > 1 else 1, gone=gone)
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
        """The active requests, those that too many workers gave up moved to Failed."""
        living = [request for request in active.requests if not self._is_buried(request)]
        return replace(active, requests=tuple(living))

    def _is_buried(self, request: JobRequest) -> bool:
        if not self._is_free(request) or request.attempt < self.policy.max_attempts:
            return False
        over = failed(request, _dead(request), now_ms=self.time.now_ms())
        return self.table.move(request, over, guard_of_take_over(request))

    def _is_free(self, request: JobRequest) -> bool:
        """Whether its lease is over, or so long that no worker can have made it."""
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
        choice = list(islice(free, among))
        return choice[int(self.draw() * len(choice))] if choice else None

    def _taken(self, request: JobRequest) -> JobRequest:
        return taken(
            request,
            owner=self.owner,
            now_ms=self.time.now_ms(),
            lease_ms=self.policy.lease_ms,
        )

    def _put_away(self, malformed: MalformedRequest) -> None:
        failure = Failure(kind=FailureKind.REFUSED, reason=malformed.reason, exit_code=2)
        is_moved = self.table.quarantine(malformed, failure, now_ms=self.time.now_ms())
        name = (malformed.state, malformed.order_key)
        if name not in self._named:
            self._named.add(name)
            where = f"moved to {RequestState.FAILED}" if is_moved else "left where it is"
            self.warn(
                f"{malformed.state} {quoted(malformed.order_key)}: {malformed.reason}; {where}"
            )


def _dead(request: JobRequest) -> Failure:
    error = request.last_error or "none of them said why"
    return Failure(
        kind=FailureKind.DEAD,
        reason=(
            f"{request.attempt} workers took it and none brought it to an end ({error});"
            f" what exists of it in AWS is called {request.aws_job_id}"
        ),
    )
