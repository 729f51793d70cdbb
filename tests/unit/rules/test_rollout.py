"""The pace of a rollout, checked against the tables of AWS's guide."""

import itertools

import pytest

from otactl.model.job_configuration import ExponentialRate, RateIncreaseCriteria, Rollout
from otactl.rules.rollout import (
    DEFAULT_MAXIMUM_PER_MINUTE,
    RolloutState,
    missing_for_raise,
    next_release,
    rate_after,
    rate_per_minute,
    releases,
)


def exponential(
    base: int, factor: float, maximum: int, *, notified: int | None = None, succeeded=None
) -> Rollout:
    return Rollout(
        maximum_per_minute=maximum,
        exponential_rate=ExponentialRate(
            base_rate_per_minute=base,
            increment_factor=factor,
            rate_increase_criteria=RateIncreaseCriteria(
                number_of_notified_things=notified, number_of_succeeded_things=succeeded
            ),
        ),
    )


GUIDE = exponential(50, 2, 1000, notified=1000)


def test_the_guide_s_own_table_holds() -> None:
    # base 50, factor 2, criterion 1000: 50 until 1000 are notified, 100 until 2000, ...
    assert [rate_after(GUIDE, k) for k in range(6)] == [50, 100, 200, 400, 800, 1000]
    for notified, rate in [(0, 50), (999, 50), (1000, 100), (1999, 100), (2000, 200), (3000, 400)]:
        assert rate_per_minute(GUIDE, RolloutState(waiting=1, notified=notified)) == rate


def test_thresholds_are_multiples_of_the_criterion_not_distances_from_the_last_raise() -> None:
    # A batch that overshoots the threshold does not push the next one away.
    rollout = exponential(7, 2, 1000, notified=10)
    assert list(itertools.islice(releases(rollout, 10_000), 5)) == [7, 7, 14, 28, 224]


def test_successes_raise_the_rate_and_their_absence_keeps_it() -> None:
    rollout = exponential(50, 2, 1000, succeeded=100)
    assert next_release(rollout, RolloutState(waiting=9999, notified=5000, succeeded=99)) == 50
    assert next_release(rollout, RolloutState(waiting=9999, notified=5000, succeeded=200)) == 200


def test_a_fraction_of_a_thing_is_not_notified() -> None:
    rollout = exponential(5, 1.5, 100, notified=5)
    assert [rate_after(rollout, k) for k in range(4)] == [5, 7, 11, 16]


def test_tenths_are_exact_where_binary_fractions_are_not() -> None:
    # In binary floating point 45 x 1.4 is a little less than 63.
    assert rate_after(exponential(45, 1.4, 1000, notified=1), 1) == 63
    rollout = exponential(125, 1.4, 1000, notified=1)
    assert [rate_after(rollout, k) for k in (1, 2, 3)] == [175, 245, 343]


def test_a_job_without_a_rollout_goes_at_the_service_s_own_rate() -> None:
    assert next_release(None, RolloutState(waiting=5000)) == DEFAULT_MAXIMUM_PER_MINUTE
    assert next_release(None, RolloutState(waiting=3)) == 3


def test_the_next_raise_can_be_seen_coming() -> None:
    assert missing_for_raise(GUIDE, RolloutState(waiting=1, notified=250)) == 750
    assert missing_for_raise(GUIDE, RolloutState(waiting=1, notified=9000)) is None
    assert missing_for_raise(None, RolloutState(waiting=1)) is None


def test_batches_cannot_be_listed_beforehand_when_they_wait_for_successes() -> None:
    with pytest.raises(ValueError, match="succeed"):
        list(releases(exponential(5, 2, 100, succeeded=5), 10))
