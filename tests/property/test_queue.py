"""Workers come, take, freeze, die and finish in every order: what must hold of the queue all along.

The deployments themselves are left out; what is looked at is who may deploy what, and when.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)
from tests.support.memory_queue import ManualTime, MemoryTable, MemoryTargets, request_for

from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.order import Priority
from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, Outcome
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.transition import guard_of, retried

if TYPE_CHECKING:
    from otactl.jobqueue.ports import ClaimAnswer, Gate
    from otactl.jobqueue.transition import Guard

POLICY = LeasePolicy(lease_ms=60_000, max_attempts=3)
THINGS = st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3)


class WatchedTable(MemoryTable):
    """A table in which other things may happen between a look and the claim that follows."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Claimer] = []
        self.fences: dict[str, int] = {}
        self.deployed: list[JobRequest] = []
        self.taken_meanwhile: list[JobRequest] = []

    def claim(self, before: JobRequest, after: JobRequest, *, gate: Gate) -> ClaimAnswer:
        if self.meanwhile:
            taken = self.meanwhile.pop().claim()
            if taken is not None:
                self.taken_meanwhile.append(taken)
        return super().claim(before, after, gate=gate)

    def move(
        self,
        before: JobRequest,
        after: JobRequest,
        guard: Guard,
        left_open: LeftOpen | None = None,
    ) -> bool:
        done = super().move(before, after, guard, left_open)
        if done and after.state is RequestState.DEPLOYED:
            self.deployed.append(after)
        return done


class QueueMachine(RuleBasedStateMachine):
    """A queue and its workers."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.table = WatchedTable()
        self.time = ManualTime()
        self.added: list[JobRequest] = []
        self.workers = 0

    def worker(self) -> Claimer:
        self.workers += 1
        return Claimer(
            self.table,
            MemoryTargets(),
            self.time,
            owner=f"worker-{self.workers}",
            policy=POLICY,
            draw=lambda: 0.5,
        )

    @rule(
        things=THINGS,
        behind=st.none() | st.integers(min_value=1, max_value=5),
        priority=st.sampled_from(Priority),
        delay_ms=st.none() | st.integers(min_value=0, max_value=120_000),
    )
    def add(
        self, things: frozenset[str], behind: int | None, priority: Priority, delay_ms: int | None
    ) -> None:
        """Anything may come after anything that was added before, in whatever order they stand."""
        self.time.ms += 1
        after = (self.added[-behind].order_key,) if behind and behind <= len(self.added) else ()
        request = request_for(
            *things,
            added_ms=self.time.ms,
            number=len(self.added),
            priority=priority,
            after=after,
            not_before_ms=None if delay_ms is None else self.time.ms + delay_ms,
        )
        self.table.add([request])
        self.added.append(request)

    @rule(target=held, races=st.integers(0, 2))
    def take(self, races: int):
        self.table.meanwhile = [self.worker() for _ in range(races)]
        request = self.worker().claim()
        self.table.meanwhile.clear()
        taken = [*self.table.taken_meanwhile, *([request] if request else [])]
        self.table.taken_meanwhile = []
        for each in taken:
            assert each.fence > self.table.fences.get(each.job_id, 0)
            self.table.fences[each.job_id] = each.fence
        return multiple(*(ClaimedRequest(self.table, each, self.time, POLICY) for each in taken))

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds: int) -> None:
        self.time.ms += seconds * 1000

    @rule(mine=held)
    def go_on(self, mine: ClaimedRequest) -> None:
        """A worker that goes on is the only one that may."""
        try:
            mine.check()
        except LeaseLost:
            return
        found = self.table.items[RequestState.DEPLOYING, mine.request.order_key]
        assert isinstance(found, JobRequest)
        assert found.fence == mine.request.fence

    @rule(mine=held, succeeded=st.booleans())
    def finish(self, mine: ClaimedRequest, succeeded: bool) -> None:  # noqa: FBT001  # hypothesis
        try:
            if succeeded:
                mine.succeed(Outcome(things=1, succeeded=1, rounds=1))
            else:
                mine.fail(Failure(kind=FailureKind.DEPLOYMENT, reason="no"))
        except LeaseLost:
            pass

    @rule(mine=held)
    def release(self, mine: ClaimedRequest) -> None:
        with contextlib.suppress(LeaseLost):
            mine.release(after_ms=1000, error="no disk")

    @rule(mine=consumes(held))
    def die(self, mine: ClaimedRequest) -> None:
        """Its worker is never heard of again."""

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        failed = list(self.table.listed(RequestState.FAILED))
        if failed:
            chosen = data.draw(st.sampled_from(failed))
            assert isinstance(chosen, JobRequest)
            assert self.table.move(chosen, retried(chosen), guard_of(chosen))

    @invariant()
    def no_request_is_lost_or_doubled(self) -> None:
        found = Counter(item.order_key for item in self.table.items.values())
        assert found == Counter(request.order_key for request in self.added)

    @invariant()
    def no_request_is_deployed_twice(self) -> None:
        assert max(Counter(each.job_id for each in self.table.deployed).values(), default=1) == 1

    @invariant()
    def no_two_active_requests_share_a_thing(self) -> None:
        active = self.table.active().requests
        targets = [MemoryTargets().targets_of(request) for request in active]
        for number, one in enumerate(targets):
            assert not any(one.overlaps(other) for other in targets[number + 1 :])

    @invariant()
    def nothing_goes_before_what_it_comes_after(self) -> None:
        deployed = {each.order_key for each in self.table.deployed}
        for request in self.table.active().requests:
            assert set(request.after) <= deployed

    def teardown(self) -> None:
        """Left alone with one patient worker, everything comes to an end or is held."""
        for _ in range(8 * len(self.added) + 8):
            self.time.ms += POLICY.lease_ms
            request = self.worker().claim()
            if request is not None:
                ClaimedRequest(self.table, request, self.time, POLICY).succeed(
                    Outcome(things=1, succeeded=1, rounds=1)
                )
        states = {item.order_key: item.state for item in self.table.items.values()}
        for item in self.table.items.values():
            assert item.state is not RequestState.DEPLOYING
            if isinstance(item, JobRequest) and item.state is RequestState.PENDING:
                assert _is_held(item, states, self.table)


def _is_held(request: JobRequest, states: dict[str, RequestState], table: MemoryTable) -> bool:
    """Whether something it comes after has failed, or is itself held."""
    for key in request.after:
        if states[key] is RequestState.FAILED:
            return True
        found = table.items[states[key], key]
        if isinstance(found, JobRequest) and states[key] is RequestState.PENDING:
            return _is_held(found, states, table)
    return False


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
