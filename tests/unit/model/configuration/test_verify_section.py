"""[VERIFY_CONFIG]: what each key becomes, and what cannot be."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, found, section

from otactl.model.thing_state import PACKAGE_SHADOW, VersionSource
from otactl.model.verify import VerifyRule

SWITCHED_ON = {"useVerifyConfig": "True"}


def verify_ini(*sections: str, default: dict[str, str] | None = None, **keys: str | None) -> str:
    """A valid file that verifies, some keys of [VERIFY_CONFIG] changed, and more sections."""
    own = section("VERIFY_CONFIG", **{"expectedVersion": "1.2.0"} | keys)
    return dev_ini(own, *sections, **SWITCHED_ON | (default or {}))


def rule_of(*sections: str, **keys: str | None) -> VerifyRule:
    rule = configuration_of(verify_ini(*sections, **keys)).verify
    assert rule is not None
    return rule


def faults(*sections: str, default: dict[str, str] | None = None, **keys: str | None):
    text = verify_ini(*sections, default=default, **keys)
    return [(where, key, code) for _, where, key, code in found(text)]


def test_nothing_is_verified_unless_the_file_says_so():
    ignored = configuration_of(dev_ini(section("VERIFY_CONFIG", verifyMinutes="nonsense")))

    for configuration in (configuration_of(dev_ini()), ignored):
        assert (configuration.verify, configuration.version_source) == (None, None)


def test_source_is_the_classic_shadow_or_a_named_one():
    assert rule_of().source == VersionSource(shadow="", version_path=("version",))
    assert rule_of(source="classic").source.shadow == ""
    assert rule_of(source="firmware").source.shadow == "firmware"
    assert rule_of(source="$package").source.shadow == PACKAGE_SHADOW
    for wrong in ("fi rm", "a/b", "x" * 65):
        assert faults(source=wrong) == [("VERIFY_CONFIG", "source", "form")]


def test_paths_are_keys_with_points_between():
    source = rule_of(versionPath="app.fw.version", bootCountPath="app.boots").source

    assert source.version_path == ("app", "fw", "version")
    assert source.boot_count_path == ("app", "boots")
    for wrong in ("a..b", ".a", "a.", "a b", "1.2.3.4.5.6.7.8"):
        assert faults(versionPath=wrong) == [("VERIFY_CONFIG", "versionPath", "form")]


def test_expected_version_is_image_ver_when_left_out():
    image = section("IMAGE_CONFIG", imageVer="2.0")

    assert rule_of(image).expected_version == "1.2.0"
    assert rule_of(image, expectedVersion=None).expected_version == "2.0"


def test_times_and_boots_have_defaults_and_bounds():
    rule = rule_of()
    assert (rule.verify_ms, rule.dark_ms) == (1_800_000, 600_000)
    assert (rule.keep_alive_seconds, rule.maximum_boots) == (1200, 2)

    given = rule_of(verifyMinutes="5", darkMinutes="2", keepAliveSeconds="60", maximumBoots="4")
    assert (given.verify_ms, given.dark_ms) == (300_000, 120_000)
    assert (given.keep_alive_seconds, given.maximum_boots) == (60, 4)

    for key in ("verifyMinutes", "darkMinutes", "keepAliveSeconds", "maximumBoots"):
        assert faults(**{key: "0"}) == [("VERIFY_CONFIG", key, "range")]


@pytest.mark.parametrize(
    "default", [{"rounds": "2", "cleanUpCfg": "True"}, {"targetSelection": "CONTINUOUS"}]
)
def test_use_verify_config_needs_a_version_and_one_round(default: dict[str, str]):
    assert faults(default=default) == [("DEFAULT", "useVerifyConfig", "requires")]
    assert faults(expectedVersion=None) == [("DEFAULT", "useVerifyConfig", "requires")]
    no_version = section("IMAGE_CONFIG", includeSha256="True")
    assert faults(no_version, expectedVersion=None) == [("DEFAULT", "useVerifyConfig", "requires")]
    refused = section("IMAGE_CONFIG", imageVer="x" * 200)
    assert faults(refused, expectedVersion=None) == [("IMAGE_CONFIG", "imageVer", "form")]


def test_a_gate_cannot_ask_for_versions_that_nobody_reads():
    timeout = section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="30")
    waves = section("WAVE_CONFIG", waveList="canary:5")
    canary = section("WAVE_CONFIG_canary", requiredVerifiedPercentage="95")
    text = dev_ini(timeout, waves, canary, useTimeoutConfig="True", useWaveConfig="True")

    assert [finding[1:] for finding in found(text)] == [
        ("WAVE_CONFIG_canary", "requiredVerifiedPercentage", "requires")
    ]


def test_a_rollback_reads_the_section_as_well():
    waves = section("WAVE_CONFIG", waveList="canary:5", onGateFailure="rollback")
    timeout = section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="30")
    text = dev_ini(timeout, waves, useTimeoutConfig="True", useWaveConfig="True")

    assert ("WAVE_CONFIG", "onGateFailure", "missing-section") in [
        finding[1:] for finding in found(text)
    ]


def test_package_as_a_source_is_warned_about_and_taken():
    (warning,) = found(verify_ini(source="$package", versionPath="firmware.version"))

    assert warning == ("warning", "VERIFY_CONFIG", "source", "package-source")
