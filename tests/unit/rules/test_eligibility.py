"""Whether an image is for a thing: versions, hardware, connections, and their order."""

from __future__ import annotations

import pytest

from otactl.model.eligibility import (
    EligibilityRule,
    HardwareRule,
    LeftOutReason,
    UnknownVersion,
    VersionRange,
)
from otactl.model.thing_state import ThingState
from otactl.rules.eligibility import is_in, same_version, why_left_out

R = LeftOutReason
DAY_MS = 86_400_000
NOW_MS = 100 * DAY_MS


@pytest.mark.parametrize(
    ("version", "text", "lies"),
    [
        ("1.10", "1.2..1.20", True),
        ("1.2", "1.2..1.20", True),
        ("1.20.0", "1.2..1.20", True),
        ("1.20.1", "1.2..1.20", False),
        ("1.9", "1.10..", False),
        ("3", "2..", True),
        ("0.9.9", "..1", True),
        ("1.0-rc1", "1..2", False),
        ("1.0-rc1", "1.0-rc1..1.0-rc1", True),
        ("beta", "..9", False),
        ("1.2.0", "1.2..1.2", True),
        ("v1.2", "1.2..1.2", False),
    ],
)
def test_dotted_numbers_compare_by_number_and_the_rest_by_equality(version, text, lies):
    lowest, highest = text.split("..")

    assert is_in(version, [VersionRange(lowest, highest)]) is lies


def test_a_version_is_the_same_with_zeros_at_its_end_only_among_numbers():
    assert same_version("2.0", "2")
    assert not same_version("2.0", "20")
    assert not same_version("beta.0", "beta")


def why(rule: EligibilityRule | None = None, **fields):
    state = ThingState(thing_name="t", **({"version": "1.0"} | fields))
    left = why_left_out(state, rule or EligibilityRule(), new_version="2.0", now_ms=NOW_MS)
    return None if left is None else left.reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"version": "2"}, R.CURRENT),
        ({"version": "0.5"}, R.OTHER_VERSION),
        ({"version": None}, R.UNKNOWN_VERSION),
        ({"hardware": "c"}, R.HARDWARE),
        ({"hardware": None}, R.HARDWARE),
        ({"hardware": "c", "version": None}, R.HARDWARE),
        ({"is_connected": False, "connection_at_ms": NOW_MS - 3 * DAY_MS}, None),
        ({"is_connected": False, "connection_at_ms": NOW_MS - 3 * DAY_MS - 1}, R.OFFLINE),
        ({"is_connected": True, "connection_at_ms": 1}, None),
        ({"is_connected": None, "connection_at_ms": None}, None),
        ({"version": "2.0", "is_connected": False, "connection_at_ms": 1}, R.CURRENT),
    ],
)
def test_the_first_reason_counts(fields, reason):
    rule = EligibilityRule(
        from_versions=(VersionRange("1.0", "1.9"),),
        hardware=HardwareRule(("attributes", "board"), ("a", "b")),
        offline_ms=3 * DAY_MS,
    )

    assert why(rule, **({"hardware": "b"} | fields)) is reason


def test_without_conditions_only_the_version_counts():
    assert why(hardware=None, is_connected=False, connection_at_ms=1) is None
    assert why(version="2.0") is R.CURRENT
    assert why(EligibilityRule(skip_if_current=False), version="2.0") is None
    include = EligibilityRule(unknown_version=UnknownVersion.INCLUDE)
    assert why(include, version=None) is None
    offline = EligibilityRule(unknown_version=UnknownVersion.INCLUDE, offline_ms=1)
    assert why(offline, version=None, is_connected=False, connection_at_ms=1) is R.OFFLINE
