from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.backoff import jittered_pause_seconds
from otactl.jobqueue.lease_policy import (
    CLOCK_SKEW_MS,
    DEFAULT_LEASE_MS,
    MIN_LEASE_MS,
    SIGNATURE_LIFE_MS,
    LeasePolicy,
)


def test_by_default_whatever_was_signed_is_dead_when_the_lease_ends() -> None:
    policy = LeasePolicy()

    assert policy.lease_ms == DEFAULT_LEASE_MS
    assert policy.margin_ms == SIGNATURE_LIFE_MS + CLOCK_SKEW_MS


@given(lease_ms=st.integers(MIN_LEASE_MS, 10**8))
def test_a_worker_can_miss_a_sign_of_life_and_still_go_on(lease_ms: int) -> None:
    policy = LeasePolicy(lease_ms=lease_ms)

    assert 0 < policy.margin_ms <= lease_ms // 2
    assert 2 * policy.renewal_ms < lease_ms - policy.margin_ms


@given(failures=st.integers(1, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_drawn_from_a_range_that_grows_up_to_a_limit(failures: int, draw: float) -> None:
    pause = jittered_pause_seconds(failures, draw, first_seconds=0.05, longest_seconds=4.0)

    assert 0 <= pause <= min(4.0, 0.05 * 2.0 ** min(failures - 1, 40))


def test_two_workers_that_failed_alike_do_not_wait_alike() -> None:
    pauses = {
        jittered_pause_seconds(3, draw, first_seconds=1, longest_seconds=60)
        for draw in (0.1, 0.5, 0.9)
    }

    assert pauses == {0.4, 2.0, 3.6}
