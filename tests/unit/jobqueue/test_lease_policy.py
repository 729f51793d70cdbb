from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.lease_policy import (
    CLOCK_SKEW_MS,
    DEFAULT_LEASE_MS,
    SIGNATURE_LIFE_MS,
    LeasePolicy,
)

#: The least that --lease takes.
MIN_LEASE_MS = 2_000


def test_by_default_whatever_was_signed_is_dead_when_the_lease_ends() -> None:
    policy = LeasePolicy()

    assert policy.lease_ms == DEFAULT_LEASE_MS
    assert policy.margin_ms == SIGNATURE_LIFE_MS + CLOCK_SKEW_MS


@given(lease_ms=st.integers(MIN_LEASE_MS, 10**8))
def test_a_worker_can_miss_a_sign_of_life_and_still_go_on(lease_ms: int) -> None:
    policy = LeasePolicy(lease_ms=lease_ms)

    assert 0 < policy.margin_ms <= lease_ms // 2
    assert 2 * policy.renewal_ms < lease_ms - policy.margin_ms
