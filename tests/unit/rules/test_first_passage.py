"""The chance of a false alarm, against closed forms and against counting every walk."""

import itertools
import math

import pytest

from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import FailureType
from otactl.rules.abort import is_met
from otactl.rules.first_passage import probability_of_firing


def criterion(percentage: float, minimum: int = 1) -> AbortCriterion:
    return AbortCriterion(
        failure_type=FailureType.ALL,
        threshold_percentage=percentage,
        min_number_of_executed_things=minimum,
    )


def by_counting(rule: AbortCriterion, rate: float, executions: int) -> float:
    """Every order of failures and successes, one by one: slow, and right by construction."""
    total = 0.0
    for walk in itertools.product((0, 1), repeat=executions):
        failed = 0
        for ended, outcome in enumerate(walk, start=1):
            failed += outcome
            if is_met(rule, failed, ended):
                total += math.prod(rate if bad else 1 - rate for bad in walk)
                break
    return total


@pytest.mark.parametrize("percentage", [5, 11, 25, 33.33, 50, 66.67, 90, 100])
@pytest.mark.parametrize("minimum", [1, 4, 9])
@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
def test_it_equals_the_sum_over_every_walk(percentage: float, minimum: int, rate: float) -> None:
    rule = criterion(percentage, minimum)
    assert probability_of_firing(rule, rate, 11) == pytest.approx(
        by_counting(rule, rate, 11), abs=1e-9
    )


def test_the_manual_s_own_criterion_trips_when_one_of_the_first_nine_fails() -> None:
    # 11% after a single execution: one failure fires while 1/n >= 11%, up to the ninth; two
    # failures among the first eighteen add a little.
    found = probability_of_firing(criterion(11.0, 1), 0.005, 1_000_000)
    assert 1 - 0.995**9 < found < 1 - 0.995**9 + 0.002


def test_a_threshold_of_a_hundred_needs_every_one_of_the_minimum_to_fail() -> None:
    assert probability_of_firing(criterion(100, 3), 0.5, 10**6) == pytest.approx(0.125)


def test_it_cannot_fire_when_fewer_things_than_the_minimum_are_executed() -> None:
    assert probability_of_firing(criterion(1, 101), 0.9, 100) == 0


def test_a_rate_above_the_threshold_fires_surely_in_the_end() -> None:
    assert probability_of_firing(criterion(10, 100), 0.2, 10**6) == pytest.approx(1)


def test_no_failures_never_fire_and_all_failures_always_do() -> None:
    assert probability_of_firing(criterion(1, 1), 0.0, 100) == 0
    assert probability_of_firing(criterion(100, 5), 1.0, 100) == 1


def test_close_to_the_threshold_the_bound_takes_over_and_stays_close() -> None:
    # The exact sum for these numbers, computed once without the limit on work: 0.982016.
    found = probability_of_firing(criterion(5.01, 1000), 0.05, 10**6)
    assert 0.9820 <= found <= 0.995
