"""Versions are dealt to a fleet by shares, exactly."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from otactl.device.deal import parse_versions
from otactl.fleet.running_image import deal_factory_images

THINGS = [f"thing-{number}" for number in range(50)]


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("1.2.0", {"1.2.0": 100}),
        ("1.2.0=80%, 1.3.0=20", {"1.2.0": 80, "1.3.0": 20}),
        ("1.2.0=12.5,1.3.0", {"1.2.0": Decimal("12.5"), "1.3.0": Decimal("87.5")}),
        ("1=80,2,3", {"1": 80, "2": 10, "3": 10}),
    ],
)
def test_versions_and_their_shares_are_read(text: str, shares: dict[str, Decimal]) -> None:
    assert parse_versions(text) == shares


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has an empty version"),
        ("1,,2", "has an empty version"),
        ("1=50,1=50", "one twice"),
        ("1=80", "do not add up to the whole fleet"),
        ("1=80,2=30", "do not add up to the whole fleet"),
        ("1=all", "1=all is no share in percent"),
    ],
)
def test_what_is_no_fleet_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_versions(text)


def test_versions_are_dealt_exactly_by_the_seed_and_the_name() -> None:
    dealt = deal_factory_images(THINGS, "1=80,2", seed=4)
    again = deal_factory_images(THINGS[::-1], "1=80,2", seed=4)
    others = deal_factory_images(THINGS, "1=80,2", seed=5)

    assert Counter(image.version for image in dealt.values()) == {"1": 40, "2": 10}
    thirds = deal_factory_images(THINGS, "1,2,3", seed=4).values()
    assert sorted(Counter(image.version for image in thirds).values()) == [16, 17, 17]
    assert again == dealt != others
    assert len({id(image) for image in dealt.values()}) == 2, "devices share an image"
