"""Calls in threads: in order, a few ahead, and ended by the first failure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from otactl.aws.threads import in_threads


def test_results_come_in_the_order_of_the_arguments() -> None:
    assert list(in_threads(str, range(50), threads=3, name="t")) == [str(n) for n in range(50)]


def test_only_a_few_arguments_are_taken_ahead() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = in_threads(abs, endless(), threads=2, name="t")

    assert [next(results), next(results)] == [0, 1]
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(taken) <= 2 + 2 * 4


def test_the_first_failure_is_raised_behind_the_results_before_it() -> None:
    results = in_threads(lambda n: 1 // n, [2, 1, 0, 1], threads=2, name="t")

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
