from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.target_set import DIGEST_BYTES, TargetSet

NAMES = st.frozensets(st.integers(0, 30).map(lambda number: f"thing-{number}"))


@given(first=NAMES, second=NAMES)
def test_two_sets_overlap_when_they_share_a_target(
    first: frozenset[str], second: frozenset[str]
) -> None:
    one, other = TargetSet.of(first), TargetSet.of(second)

    assert one.overlaps(other) == other.overlaps(one) == bool(first & second)


@given(names=NAMES)
def test_what_is_stored_is_the_set(names: frozenset[str]) -> None:
    made = TargetSet.of(sorted(names) * 2)

    assert len(made) == len(names)
    assert TargetSet(made.packed) == made
    assert made.packed == TargetSet.of(sorted(names, reverse=True)).packed


def test_ten_thousand_things_take_80_kilobytes() -> None:
    made = TargetSet.of(f"thing-{number}" for number in range(10_000))

    assert len(made.packed) == 80_000


def test_half_a_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="digests"):
        TargetSet(b"x" * (DIGEST_BYTES + 1))
