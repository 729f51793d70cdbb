"""A worker whose queue is out of reach waits less and less often, however long that takes."""

from __future__ import annotations

import pytest
from tests.support.memory_queue import ManualTime, MemoryTable, request_for

from otactl.aws.clients import AwsSettings
from otactl.aws.registry import IotRegistry
from otactl.errors import AwsUnreachable, Interrupted
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.transition import guard_of_take_over, taken
from otactl.operations.frontend import Frontend
from otactl.operations.queue.lease_guard import GuardedClientPool, LeasedClock

#: More than Python has frames for, if each failure began another retry inside the last one.
MANY = 1_000


class LostTable(MemoryTable):
    """A table that cannot be reached for the next N calls."""

    failures = MANY

    def amend(self, before, after, guard):
        if self.failures:
            self.failures -= 1
            raise AwsUnreachable("dynamodb", "ConnectTimeoutError", "no route")
        return super().amend(before, after, guard)


class Warnings(Frontend):
    """Keeps what it is warned of; calls back at each."""

    def __init__(self):
        self.heard = []
        self.on_warning = lambda: None

    def warn(self, message):
        self.heard.append(message)
        self.on_warning()


class QuickClock(LeasedClock):
    """Notes how long it would wait."""

    def __init__(self, claimed, frontend):
        super().__init__(claimed, frontend)
        self.waits = []

    def _wait(self, seconds):
        self.waits.append(seconds)


@pytest.fixture
def table():
    return LostTable()


@pytest.fixture
def frontend():
    return Warnings()


@pytest.fixture
def clock(table, frontend):
    time, policy = ManualTime(), LeasePolicy()
    request = request_for("one")
    table.add([request])
    mine = taken(request, owner="m1", now_ms=time.now_ms(), lease_ms=policy.lease_ms)
    table.claim(request, mine, gate=table.active().gate)
    claimed = ClaimedRequest(table, mine, time, policy)
    # The lease is due to be renewed.
    time.sleep(policy.lease_ms / 1000)
    return QuickClock(claimed, frontend)


def test_pauses_grow_to_a_minute_however_often_the_queue_cannot_be_asked(table, frontend, clock):
    clock.check_lease()

    assert table.failures == 0
    assert clock.waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert clock.waits[7:] == [60] * (MANY - 7)
    assert frontend.heard[1].startswith("the lease cannot be renewed: ")
    assert frontend.heard[1].endswith("; next try in 2 s")


def test_a_stop_ends_the_wait_for_the_queue(frontend, clock):
    frontend.on_warning = lambda: clock.ask_to_stop(15)

    with pytest.raises(Interrupted):
        clock.check_lease()

    assert clock.waits == [1]


def test_clean_up_waits_for_the_queue_whatever_was_asked(table, frontend, clock):
    clock.shield()
    frontend.on_warning = lambda: clock.ask_to_stop(15)

    clock.check_lease()

    assert table.failures == 0


def test_the_lease_is_asked_after_each_sleep(table, clock):
    table.failures = 1

    clock.sleep(5)

    assert clock.waits == [5, 1]
    assert table.failures == 0


def test_no_thing_is_added_to_a_group_when_the_request_is_another_workers(table, clock):
    pool = GuardedClientPool()
    clients = pool.serve(
        AwsSettings(
            region="eu-central-1",
            endpoint_url="http://127.0.0.1:1",
            access_key_id="a",
            secret_access_key="b",
            max_attempts=1,
        ),
        clock,
    )
    table.failures = 0
    (mine,) = table.active().requests
    theirs = taken(mine, owner="m2", now_ms=mine.lease.until_ms, lease_ms=900_000)
    assert table.amend(mine, theirs, guard_of_take_over(mine))

    # These calls have clients of their own, at a rate of their own.
    with pytest.raises(LeaseLost):
        IotRegistry(clients).fill_group("wave", ["arn:aws:iot:x"], per_second=1000)
