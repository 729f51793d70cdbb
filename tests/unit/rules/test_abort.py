"""When a job cancels itself, and how far it is from it."""

import pytest

from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import ExecutionStatus, FailureType
from otactl.rules.abort import distance, firing_criterion, is_met, missing_failures

S = ExecutionStatus


def criterion(
    percentage: float, minimum: int = 1, failure_type: FailureType = FailureType.FAILED
) -> AbortCriterion:
    return AbortCriterion(
        failure_type=failure_type,
        threshold_percentage=percentage,
        min_number_of_executed_things=minimum,
    )


def test_nothing_fires_before_the_minimum_and_at_least_the_threshold_fires_then() -> None:
    ten_percent = criterion(10, minimum=20)
    assert firing_criterion([ten_percent], {S.FAILED: 19}) is None
    assert firing_criterion([ten_percent], {S.FAILED: 2, S.SUCCEEDED: 18}) is ten_percent
    assert firing_criterion([ten_percent], {S.FAILED: 1, S.SUCCEEDED: 19}) is None


def test_the_first_criterion_of_the_list_that_is_met_fires() -> None:
    rejected = criterion(50, failure_type=FailureType.REJECTED)
    every = criterion(10, failure_type=FailureType.ALL)
    counts = {S.REJECTED: 1, S.SUCCEEDED: 1}
    assert firing_criterion([rejected, every], counts) is rejected
    assert firing_criterion([every, rejected], counts) is every
    assert firing_criterion([rejected, every], {S.TIMED_OUT: 1}) is every


def test_only_what_was_executed_is_in_the_denominator() -> None:
    # The abort itself cancels what was queued; the counts afterwards still show why.
    half = criterion(50, minimum=2)
    assert firing_criterion([half], {S.FAILED: 1, S.SUCCEEDED: 1, S.CANCELED: 500, S.REMOVED: 9})
    assert firing_criterion([half], {S.FAILED: 1, S.CANCELED: 500, S.QUEUED: 3}) is None


def test_two_decimals_are_compared_exactly() -> None:
    # 10.01% of 10000 is 1001; in binary floating point 10.01 is a little more.
    assert is_met(criterion(10.01), 1001, 10_000)
    assert not is_met(criterion(10.01), 1000, 10_000)


@pytest.mark.parametrize("percentage", [0.01, 1, 10.99, 33.33, 50, 99.99, 100])
@pytest.mark.parametrize(("failed", "ended"), [(0, 0), (0, 10), (3, 10), (10, 10), (1, 777)])
@pytest.mark.parametrize("minimum", [1, 15])
def test_the_distance_is_the_number_of_failures_that_really_fires(
    percentage: float, failed: int, ended: int, minimum: int
) -> None:
    rule = criterion(percentage, minimum)
    more = missing_failures(rule, failed, ended)
    if more is None:
        assert percentage == 100
        assert not is_met(rule, failed + 10**9, ended + 10**9)
    else:
        assert is_met(rule, failed + more, ended + more)
        assert more == 0 or not is_met(rule, failed + more - 1, ended + more - 1)


def test_the_distance_of_every_criterion_is_told_in_order() -> None:
    first, second = distance(
        [criterion(20, minimum=10), criterion(100, failure_type=FailureType.ALL)],
        {S.FAILED: 1, S.SUCCEEDED: 4},
    )
    assert (first.missing_executions, first.missing_failures, first.percentage) == (5, 5, 20.0)
    assert (second.missing_failures, second.failed, second.executed) == (None, 1, 5)
