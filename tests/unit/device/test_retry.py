"""Waits double, are bounded, and differ from thing to thing."""

from __future__ import annotations

import pytest

from otactl.device.retry import RetryTimer, earliest, spread_of


def test_waits_double_up_to_the_longest_and_start_anew() -> None:
    timer = RetryTimer(1000, 5000, spread=0)
    timer.start(0)
    waits, now = [], 0
    for _ in range(5):
        assert timer.deadline_ms is not None
        waits.append(timer.deadline_ms - now)
        now = timer.deadline_ms
        timer.expire(now)

    assert waits == [1000, 2000, 4000, 5000, 5000]
    timer.start(now)
    assert timer.deadline_ms == now + 1000
    assert timer.expiries == 0


def test_a_month_of_failures_does_not_overflow() -> None:
    timer = RetryTimer(1000, 60_000, spread=0)
    for _ in range(100_000):
        timer.expire(0)

    assert timer.deadline_ms == 60_000


def test_it_is_due_at_the_deadline_and_not_before() -> None:
    timer = RetryTimer(1000, 1000, spread=0)
    assert not timer.is_due(10**12)
    timer.start(50)
    assert not timer.is_due(1049)
    assert timer.is_due(1050)
    timer.stop()
    assert not timer.is_due(10**12)


def test_things_spread_their_retries() -> None:
    spreads = [spread_of(f"thing-{number}") for number in range(1000)]

    assert 0 <= min(spreads) < 0.05
    assert 0.95 < max(spreads) <= 1
    timer = RetryTimer(1000, 1000, spread=1)
    timer.start(0)
    assert timer.deadline_ms == 1250


@pytest.mark.parametrize(
    ("deadlines", "first"), [((), None), ((None, None), None), ((5, None, 3), 3)]
)
def test_the_earliest_of_some_deadlines(
    deadlines: tuple[int | None, ...], first: int | None
) -> None:
    assert earliest(*deadlines) == first
