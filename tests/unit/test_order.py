from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest
from tests.support.order import spread


class Item(NamedTuple):
    """What the order asks of a test."""

    nodeid: str
    is_slow: bool = False

    def get_closest_marker(self, name: str) -> bool:
        return name == "slow" and self.is_slow


def items(module: str, count: int, *, is_slow: bool = False) -> list[Item]:
    return [Item(f"tests/{module}::test_{number}", is_slow) for number in range(count)]


E2E = [items(f"e2e/test_{name}.py", 10) for name in "abcd"]
WHOLE = [*chain(*E2E), *items("unit/model/test_m.py", 360)]


@pytest.fixture
def ordered(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    return spread(WHOLE)


def test_each_worker_begins_with_its_share_of_what_waits(ordered):
    starts = [ordered[begin : begin + 10] for begin in (0, 100, 200, 300)]
    assert sorted(starts) == sorted(E2E)


def test_long_series_of_any_tier_come_first_of_all(monkeypatch):
    long = [items(f"unit/deploy/test_{name}.py", 2, is_slow=True) for name in "wxyz"]
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")

    ordered = spread([*WHOLE, *chain(*long)])

    starts = [ordered[begin : begin + 2] for begin in (0, 102, 204, 306)]
    assert sorted(starts) == sorted(long)


def test_no_test_is_lost_or_runs_twice(ordered):
    assert sorted(ordered) == sorted(WHOLE)


def test_one_process_keeps_the_order(monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    assert spread(WHOLE) == WHOLE
