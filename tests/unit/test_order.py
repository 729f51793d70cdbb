from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest
from tests.support.order import spread


class Item(NamedTuple):
    """What the order asks of a test."""

    nodeid: str


def items(module: str, count: int) -> list[Item]:
    return [Item(f"tests/{module}::test_{number}") for number in range(count)]


E2E = [items(f"e2e/test_{name}.py", 10) for name in "abcd"]
WHOLE = [*chain(*E2E), *items("unit/model/test_m.py", 360)]


@pytest.fixture
def ordered(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    return spread(WHOLE)


def test_each_worker_begins_with_its_share_of_what_waits(ordered):
    starts = [ordered[begin : begin + 10] for begin in (0, 100, 200, 300)]
    assert sorted(starts) == sorted(E2E)


def test_no_test_is_lost_or_runs_twice(ordered):
    assert sorted(ordered) == sorted(WHOLE)


def test_one_process_keeps_the_order(monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    assert spread(WHOLE) == WHOLE
