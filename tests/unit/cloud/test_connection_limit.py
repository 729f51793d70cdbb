from __future__ import annotations

import pytest

from otactl.cloud.connection_limit import (
    Allowance,
    keep_alive_seconds,
    publish_problem,
    subscribe_problem,
)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [(0, 1200), (1, 30), (29, 30), (30, 30), (31, 31), (1200, 1200), (1201, 1200), (65535, 1200)],
)
def test_the_keep_alive_that_holds(asked: int, holds: int) -> None:
    assert keep_alive_seconds(asked) == holds


@pytest.mark.parametrize(
    ("topic", "size", "retain", "is_taken"),
    [
        ("a/b/c/d/e/f/g/h", 131072, True, True),
        ("a/b/c/d/e/f/g/h/i", 1, False, False),
        ("$aws/rules/r/a/b/c/d/e/f/g/h", 1, False, True),
        ("$aws/rules/r/a/b/c/d/e/f/g/h/i", 1, False, False),
        ("$aws/things/t/shadow/name/n/update/accepted", 1, False, True),
        ("a", 131073, False, False),
        ("$aws/things/t/shadow/update", 1, True, False),
    ],
)
def test_what_may_be_published(topic: str, size: int, *, retain: bool, is_taken: bool) -> None:
    assert (publish_problem(topic, size, qos=1, retain=retain) is None) is is_taken


def test_a_message_with_qos_2_is_refused() -> None:
    assert publish_problem("a", 1, qos=2, retain=False) is not None


def test_what_may_be_subscribed_to() -> None:
    assert subscribe_problem(["a/#"] * 8) is None
    assert subscribe_problem(["a/#"] * 9) is not None
    assert subscribe_problem(["a", "+/+/+/+/+/+/+/+/+"]) is not None


def test_an_allowance_lets_a_seconds_worth_pass_at_once_and_then_the_rate() -> None:
    allowance = Allowance(per_second=100)

    assert [allowance.take(5.0) for _ in range(101)] == [True] * 100 + [False]
    assert [allowance.take(5.1) for _ in range(11)] == [True] * 10 + [False]
    assert [allowance.take(60.0) for _ in range(101)] == [True] * 100 + [False]


def test_what_is_reserved_beyond_the_rate_has_to_wait() -> None:
    allowance = Allowance(per_second=1000)

    assert allowance.reserve(1000, 10.0) == 0
    assert allowance.reserve(500, 10.0) == pytest.approx(0.5)
    assert allowance.reserve(500, 10.5) == pytest.approx(0.5)
    assert allowance.reserve(1, 99.0) == 0
