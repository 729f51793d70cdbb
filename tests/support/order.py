"""The order of a parallel test run: each worker begins with what waits, and ends with quick tests.

xdist gives each worker one stretch of the tests in their order, and when a worker is through, half
of what another one still has. In the order of the folders one worker would get all that wait for
devices and rollouts, one after the other, and the modules that make a cloud of their own would be
torn apart late. Here each stretch has its share of waiting modules, whole, and is filled up with
quick tests, which are what is left to give away in the end.
"""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

#: Seconds that a test of each tier takes, roughly; what is not here is quick.
_SECONDS = {"e2e": 3.5, "scenario": 2.7, "contract": 0.7}
#: And one of the long series of any tier, which a run must not be left with at its end.
_LONG_SECONDS = 30


def spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order for this run; as they are where one process runs them all."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return items
    modules = [list(tests) for _, tests in groupby(items, key=_module)]
    waiting = sorted((tests for tests in modules if _seconds(tests)), key=_seconds, reverse=True)
    quick = [item for tests in modules if not _seconds(tests) for item in tests]
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for tests in waiting:
        min(shares, key=_seconds).extend(tests)
    # The stretches as xdist cuts them: what is left, by the workers that are left.
    left = len(items)
    ordered: list[pytest.Item] = []
    for number, share in enumerate(sorted(shares, key=len, reverse=True)):
        size = left // (workers - number)
        fill = max(0, size - len(share))
        ordered += share + quick[:fill]
        del quick[:fill]
        left = len(items) - len(ordered)
    return ordered + quick


def _seconds(tests: list[pytest.Item]) -> float:
    """How long tests take, roughly; 0 if they are quick."""
    return sum(
        _LONG_SECONDS if item.get_closest_marker("slow") else _SECONDS.get(_tier(item), 0)
        for item in tests
    )


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _tier(item: pytest.Item) -> str:
    return item.nodeid.removeprefix("tests/").partition("/")[0]
