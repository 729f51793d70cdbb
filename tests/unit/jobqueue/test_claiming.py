from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.memory_queue import (
    NOW_MS,
    ManualTime,
    MemoryTable,
    MemoryTargets,
    request_for,
)

from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.order import Priority
from otactl.jobqueue.ports import ClaimAnswer, Gate
from otactl.jobqueue.request import Failure, JobRequest, MalformedRequest, Outcome
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.transition import canceled, guard_of

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = LeasePolicy(lease_ms=60_000, max_attempts=2)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


def claimer(table: MemoryTable, time: ManualTime, owner: str = "me", draw: float = 0.0) -> Claimer:
    return Claimer(table, MemoryTargets(), time, owner=owner, policy=POLICY, draw=lambda: draw)


def states(table: MemoryTable) -> list[RequestState]:
    return [item.state for item in table.items.values()]


def test_the_oldest_goes_first_and_a_high_priority_before_it(table, time) -> None:
    low = request_for("a", priority=Priority.LOW)
    old, new = request_for("b", added_ms=NOW_MS), request_for("c", added_ms=NOW_MS + 1)
    high = request_for("d", added_ms=NOW_MS + 2, priority=Priority.HIGH)
    table.add([low, new, high, old])

    order = [claimer(table, time).claim() for _ in range(4)]

    assert [each.job_id for each in order if each] == [
        each.job_id for each in (high, old, new, low)
    ]
    assert claimer(table, time).claim() is None


def test_a_request_that_is_held_is_not_taken_again_before_its_lease_is_over(table, time) -> None:
    table.add([request_for("a")])
    first = claimer(table, time, "first").claim()
    time.ms += POLICY.lease_ms - 1
    assert claimer(table, time, "second").claim() is None

    time.ms += 1
    second = claimer(table, time, "second").claim()

    assert first is not None
    assert second is not None
    assert (second.fence, second.attempt) == (2, 2)
    assert second.job_id == first.job_id


def test_a_request_whose_workers_die_is_dead_and_says_what_the_last_one_said(table, time) -> None:
    table.add([request_for("a")])
    for owner in ("first", "second"):
        request = claimer(table, time, owner).claim()
        assert request is not None
        ClaimedRequest(table, request, time, POLICY).release(after_ms=0, error=f"{owner}: no disk")

    assert claimer(table, time, "third").claim() is None

    (dead,) = table.listed(RequestState.FAILED)
    assert isinstance(dead, JobRequest)
    assert dead.failure is not None
    assert dead.failure.kind is FailureKind.DEAD
    assert "2 workers" in dead.failure.reason
    assert "second: no disk" in dead.failure.reason


def test_what_is_no_request_is_put_away_and_the_next_one_is_taken(table, time) -> None:
    malformed = MalformedRequest(
        order_key="20200101-000000", state=RequestState.PENDING, reason="no bucket", item={}
    )
    table.items[RequestState.PENDING, malformed.order_key] = malformed
    table.add([request_for("a")])

    assert claimer(table, time).claim() is not None

    (put_away,) = table.listed(RequestState.FAILED)
    assert isinstance(put_away, MalformedRequest)
    assert put_away.reason == "no bucket"


def test_what_is_no_request_is_put_away_from_among_the_active_ones_too(table, time) -> None:
    malformed = MalformedRequest(
        order_key="20200101-000000", state=RequestState.DEPLOYING, reason="no bucket", item={}
    )
    table.items[RequestState.DEPLOYING, malformed.order_key] = malformed

    assert claimer(table, time).claim() is None

    assert states(table) == [RequestState.FAILED]


class RacedTable(MemoryTable):
    """A table in which something happens between a worker's look and its claim, once."""

    def __init__(self) -> None:
        super().__init__()
        self.surprises: list[Callable[[], None]] = []

    def claim(self, before: JobRequest, after: JobRequest, *, gate: Gate) -> ClaimAnswer:
        if self.surprises:
            self.surprises.pop()()
        return super().claim(before, after, gate=gate)


def test_beaten_to_a_request_a_worker_takes_another_one(time) -> None:
    table = RacedTable()
    table.add([request_for(name, number=number) for number, name in enumerate("abc")])
    table.surprises.append(lambda: _take(claimer(table, time, "rival")))

    mine = claimer(table, time).claim()

    assert mine is not None
    assert mine.lease is not None
    assert mine.lease.owner == "me"
    assert states(table).count(RequestState.DEPLOYING) == 2


def test_two_that_look_at_once_never_both_take_what_shares_a_thing(time) -> None:
    table = RacedTable()
    seen, urgent = request_for("x", number=1), request_for("x", number=2, priority=Priority.HIGH)
    table.add([seen])

    def rival() -> None:
        table.add([urgent])
        _take(claimer(table, time, "rival"))

    table.surprises.append(rival)

    assert claimer(table, time).claim() is None

    (active,) = table.listed(RequestState.DEPLOYING)
    assert active.order_key == urgent.order_key


def test_a_request_that_cannot_be_claimed_stops_nobody(table, time) -> None:
    # Two requests of the old script, added in one second: the second one has the first one's key.
    twin = request_for("a", number=1)
    table.add([twin, request_for("b", number=2)])
    busy = replace(twin, state=RequestState.DEPLOYING, lease=None, fence=1, attempt=0, targets=None)
    table.items[RequestState.DEPLOYING, twin.order_key] = busy
    first = claimer(table, time).claim()
    second = claimer(table, time).claim()

    assert first is not None
    assert first.fence == 2
    assert second is not None
    assert second.order_key != twin.order_key
    assert claimer(table, time).claim() is None


def test_a_dependency_is_looked_up_when_it_is_neither_pending_nor_active(table, time) -> None:
    first = request_for("a", number=1)
    second = request_for("b", number=2, after=(first.order_key,))
    table.add([second])
    mine = claimer(table, time)
    assert mine.claim() is None

    over = replace(first, state=RequestState.DEPLOYED)
    table.items[RequestState.DEPLOYED, first.order_key] = over

    taken_request = mine.claim()
    assert taken_request is not None
    assert taken_request.job_id == second.job_id


def test_what_an_urgent_request_comes_after_is_taken_though_it_stands_behind(table, time) -> None:
    first = request_for("a", number=1)
    urgent = request_for("b", number=2, priority=Priority.HIGH, after=(first.order_key,))
    table.add([first, urgent])

    request = claimer(table, time).claim()

    assert request is not None
    assert request.job_id == first.job_id
    assert claimer(table, time).claim() is None


def test_a_worker_that_lost_its_request_can_change_nothing(table, time) -> None:
    table.add([request_for("a")])
    request = claimer(table, time, "first").claim()
    assert request is not None
    mine = ClaimedRequest(table, request, time, POLICY)
    time.ms += POLICY.lease_ms
    theirs = claimer(table, time, "second").claim()
    assert theirs is not None

    for act in (
        mine.renew,
        mine.check,
        lambda: mine.release(after_ms=0, error=""),
        lambda: mine.succeed(_outcome()),
        lambda: mine.fail(_failure()),
    ):
        with pytest.raises(LeaseLost, match="no longer"):
            act()
    (found,) = table.listed(RequestState.DEPLOYING)
    assert found == theirs


def test_a_worker_that_ended_its_request_gives_no_more_signs_of_life(table, time) -> None:
    """The thread that gives them may be a moment behind."""
    table.add([request_for("a")])
    request = claimer(table, time).claim()
    assert request is not None
    mine = ClaimedRequest(table, request, time, POLICY)
    over = mine.succeed(_outcome())

    with pytest.raises(LeaseLost):
        mine.renew()

    assert list(table.listed(RequestState.DEPLOYED)) == [over]


def test_a_worker_asks_the_queue_before_it_goes_on_near_the_end_of_its_lease(table, time) -> None:
    table.add([request_for("a")])
    request = claimer(table, time).claim()
    assert request is not None
    mine = ClaimedRequest(table, request, time, POLICY)
    time.ms += POLICY.lease_ms - POLICY.margin_ms - 1
    mine.check()
    assert mine.request.lease == request.lease

    time.ms += 1
    mine.check()

    assert mine.request.lease is not None
    assert mine.request.lease.until_ms == time.ms + POLICY.lease_ms


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_makes_a_lease_neither_longer_nor_shorter(
    table, time, hours
) -> None:
    """Set back, the owner would think itself safe while others, whose clocks are right, take it."""
    table.add([request_for("a")])
    request = claimer(table, time).claim()
    assert request is not None
    mine = ClaimedRequest(table, request, time, POLICY)
    time.set_forward_ms = hours * 3_600_000

    time.ms += POLICY.lease_ms - POLICY.margin_ms - 1
    mine.check()
    assert mine.request.lease == request.lease
    time.ms += 1
    mine.check()

    assert mine.request.lease is not None
    assert mine.request.lease.until_ms == time.ms + POLICY.lease_ms


def test_frozen_beyond_its_lease_but_missed_by_nobody_a_worker_goes_on(table, time) -> None:
    table.add([request_for("a")])
    request = claimer(table, time).claim()
    assert request is not None
    mine = ClaimedRequest(table, request, time, POLICY)

    time.ms += 10 * POLICY.lease_ms
    mine.check()

    assert mine.succeed(_outcome()).state is RequestState.DEPLOYED
    assert states(table) == [RequestState.DEPLOYED]


def test_a_cancelled_request_is_not_claimed(table, time) -> None:
    request = request_for("a")
    table.add([request])
    assert table.move(request, canceled(request, now_ms=NOW_MS), guard_of(request))

    assert claimer(table, time).claim() is None


def _take(worker: Claimer) -> None:
    assert worker.claim() is not None


def _outcome() -> Outcome:
    return Outcome(things=1, succeeded=1, rounds=1)


def _failure() -> Failure:
    return Failure(kind=FailureKind.DEPLOYMENT, reason="it failed")
