"""[ELIGIBILITY_CONFIG]: what each key becomes, and what cannot be."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, found, section

from otactl.model.eligibility import (
    EligibilityRule,
    HardwareRule,
    UnknownVersion,
    VersionRange,
)


def eligibility_ini(*sections: str, default: dict[str, str] | None = None, **keys: str) -> str:
    verify = section("VERIFY_CONFIG", expectedVersion="2.0")
    own = section("ELIGIBILITY_CONFIG", **keys)
    return dev_ini(own, *(sections or (verify,)), useEligibilityConfig="True", **(default or {}))


def rule_of(**keys: str) -> EligibilityRule:
    found = configuration_of(eligibility_ini(**keys)).eligibility
    assert found is not None
    return found.rule


def faults(*sections: str, default: dict[str, str] | None = None, **keys: str):
    text = eligibility_ini(*sections, default=default, **keys)
    return [(where, key, code) for _, where, key, code in found(text)]


def test_every_listed_thing_is_eligible_unless_the_file_says_otherwise():
    ignored = dev_ini(section("ELIGIBILITY_CONFIG", offlineDays="nonsense"))

    assert configuration_of(ignored).eligibility is None
    assert configuration_of(ignored).version_source is None


def test_use_eligibility_config_needs_a_snapshot():
    configuration = configuration_of(eligibility_ini(fromVersions="1.0"))

    assert configuration.version_source is not None
    assert configuration.verify is None
    assert faults(default={"targetSelection": "CONTINUOUS"}) == [
        ("DEFAULT", "useEligibilityConfig", "requires")
    ]


def test_from_versions_are_versions_and_ranges():
    assert rule_of(fromVersions="1.0..1.9, 2.1,beta,  3.. , ..0.9").from_versions == (
        VersionRange("1.0", "1.9"),
        VersionRange("2.1", "2.1"),
        VersionRange("beta", "beta"),
        VersionRange("3", ""),
        VersionRange("", "0.9"),
    )
    for wrong in ("..", "1.0..beta", ",", "1..2..3"):
        assert faults(fromVersions=wrong) == [("ELIGIBILITY_CONFIG", "fromVersions", "form")]
    assert faults(fromVersions="1.10..1.9") == [("ELIGIBILITY_CONFIG", "fromVersions", "range")]
    assert not faults(fromVersions="1.2.0..1.2, ..1, 2..")


def test_hardware_is_an_attribute_or_a_reported_field():
    assert rule_of(hardware="attributes.board: b, c").hardware == HardwareRule(
        ("attributes", "board"), ("b", "c")
    )
    configuration = configuration_of(eligibility_ini(hardware="reported.hw.board:b"))
    assert configuration.version_source is not None
    assert configuration.version_source.hardware_path == ("reported", "hw", "board")
    for wrong in ("board: b", "attributes: b", "attributes.a.b: c", "attributes.a", "reported.a:"):
        assert faults(hardware=wrong) == [("ELIGIBILITY_CONFIG", "hardware", "form")]


def test_skip_if_current_needs_a_version():
    nothing = section("VERIFY_CONFIG", source="classic")
    image = section("IMAGE_CONFIG", imageVer="2.0")

    assert rule_of().skip_if_current
    assert not rule_of(skipIfCurrent="False").skip_if_current
    assert faults(nothing) == [("ELIGIBILITY_CONFIG", "skipIfCurrent", "requires")]
    assert faults(nothing, skipIfCurrent="False") == []
    assert faults(nothing, image) == []


def test_the_rest_has_defaults_and_bounds():
    assert rule_of() == EligibilityRule()
    days = rule_of(offlineDays="2", unknownVersion="refuse")
    assert (days.offline_ms, days.unknown_version) == (172_800_000, UnknownVersion.REFUSE)
    eligibility = configuration_of(eligibility_ini(maximumReads="5")).eligibility
    assert eligibility is not None
    assert eligibility.maximum_reads == 5


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("offlineDays", "0", "range"),
        ("unknownVersion", "maybe", "choice"),
        ("maximumReads", "2000000", "range"),
    ],
)
def test_what_is_out_of_bounds_is_refused(key: str, text: str, code: str):
    assert faults(**{key: text}) == [("ELIGIBILITY_CONFIG", key, code)]
