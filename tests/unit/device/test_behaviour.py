"""Behaviours are dealt exactly, repeatably, and by name."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave

HUNDRED = [f"thing-{number}" for number in range(100)]
TEXTS = st.dictionaries(
    st.sampled_from(list(Behaviour)), st.integers(0, 1000).map(lambda n: Decimal(n) / 10)
).filter(lambda shares: sum(shares.values()) <= 100)


def test_percentages_of_a_hundred_things_are_dealt_exactly() -> None:
    dealt = deal_behaviours(HUNDRED, parse_behave("fail=10,reject=5"), seed=1)

    assert Counter(dealt.values()) == {
        Behaviour.FAIL: 10,
        Behaviour.REJECT: 5,
        Behaviour.SUCCEED: 85,
    }


@given(TEXTS, st.integers(0, 300), st.integers())
def test_every_thing_gets_one_and_no_share_is_off_by_a_whole_thing(
    shares: dict[Behaviour, Decimal], things: int, seed: int
) -> None:
    names = [f"thing-{number}" for number in range(things)]

    dealt = deal_behaviours(names, shares, seed)

    assert set(dealt) == set(names)
    counts = Counter(dealt.values())
    for behaviour, share in shares.items():
        if behaviour is not Behaviour.SUCCEED:
            assert abs(counts[behaviour] - share * things / 100) < 1


@given(st.integers(), st.randoms(use_true_random=False))
def test_the_deal_follows_from_the_seed_and_not_from_the_order(seed: int, random: Random) -> None:
    shares = parse_behave("fail=30,silent=20")
    shuffled = HUNDRED.copy()
    random.shuffle(shuffled)

    assert deal_behaviours(shuffled, shares, seed) == deal_behaviours(HUNDRED, shares, seed)


def test_another_seed_deals_otherwise() -> None:
    shares = parse_behave("fail=30")

    assert deal_behaviours(HUNDRED, shares, 1) != deal_behaviours(HUNDRED, shares, 2)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", {}),
        (" fail = 10 , silent=2.5% ", {Behaviour.FAIL: 10, Behaviour.SILENT: Decimal("2.5")}),
        ("succeed=100", {Behaviour.SUCCEED: 100}),
    ],
)
def test_shares_are_read(text: str, shares: dict[Behaviour, Decimal]) -> None:
    assert parse_behave(text) == shares


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fial=10", "'fial' is no behaviour; did you mean fail?"),
        ("x=10", "'x' is no behaviour; known: succeed, fail"),
        ("fail", "'fail' is not a behaviour and its share"),
        ("fail=ten", "fail=ten is no share in percent"),
        ("fail=-1", "fail=-1 is no share"),
        ("fail=nan", "fail=nan is no share"),
        ("fail=101", "fail=101 is no share"),
        ("fail=60,drop=41", "add up to 101 percent"),
        ("fail=1,fail=2", "fail is given twice"),
    ],
)
def test_a_mistake_in_the_shares_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_behave(text)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        shares = parse_behave(text)
    except ValueError:
        return
    assert sum(shares.values()) <= 100
