"""What the linter says of gates, against sums written out here."""

from __future__ import annotations

from math import comb
from pathlib import Path

import pytest
from tests.support.dev_ini import configuration_of, section
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.errors.problem import Severity
from otactl.forecast.lint import Finding, lint
from otactl.forecast.lint.wave_check import binomial_above, gate_power
from otactl.forecast.profile import FleetProfile, Group
from otactl.model.wave import GateRule, WaveSize
from otactl.rules.first_passage import probability_of_firing
from otactl.rules.waves.membership import expected_sizes

GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/lab"
ABORT = (
    section("ABORT_CONFIG", useAllSubsection="True"),
    section("ABORT_CONFIG_TYPE_ALL", thresholdPercentage="10", minNumberOfExecutedThings="100"),
)


def findings(
    *, things: int = 1000, profile: FleetProfile | None = None, abort: bool = True, **keys: str
) -> dict[str, Finding]:
    """The findings about gates, by code and wave."""
    keys = {
        "waveList": "canary:300",
        "requiredSucceededPercentage": "97",
        "soakMinutes": "31",
    } | keys
    text = wave_ini(*(ABORT if abort else ()), default={"useAbortConfig": str(abort)}, **keys)
    found = lint(configuration_of(text), things, profile)
    return {
        f"{one.code} {one.section.removeprefix('WAVE_CONFIG_')}": one
        for one in found
        if one.code.startswith("OTA7")
    }


@pytest.mark.parametrize(
    ("things", "percentage", "share", "chance"),
    [(50, 98, 0.05, 0.72), (10, 98, 0.006, 0.058), (10, 90, 0.006, 0.0016)],
)
def test_the_power_of_a_gate_is_the_binomial_sum(things, percentage, share, chance):
    rule = GateRule(required_succeeded=100 * percentage)
    allowed = things - -(-things * percentage // 100)
    exact = 1 - sum(
        comb(things, k) * share**k * (1 - share) ** (things - k) for k in range(allowed + 1)
    )

    assert gate_power(rule, things, share) == pytest.approx(exact, abs=1e-12)
    assert exact == pytest.approx(chance, abs=0.005)


def fails_with_versions(
    things: int, succeeded: int, verified: int, share: float, back: float
) -> float:
    """The chance that a gate fails, by every pair of failures and things that come back wrong."""
    may_fail = things - -(-things * succeeded // 100)
    may_lack = things - -(-things * verified // 100)
    passes = sum(
        comb(things, failed)
        * share**failed
        * (1 - share) ** (things - failed)
        * comb(things - failed, wrong)
        * back**wrong
        * (1 - back) ** (things - failed - wrong)
        for failed in range(may_fail + 1)
        for wrong in range(things - failed + 1)
        if failed + wrong <= may_lack
    )
    return 1 - passes


@pytest.mark.parametrize("share", [0.0, 0.006, 0.05])
@pytest.mark.parametrize("back", [0.0, 0.02, 0.1])
def test_the_power_of_a_gate_counts_what_comes_back_old_or_dark(share, back):
    strict = GateRule(required_succeeded=9_500, required_verified=9_600)
    lenient = GateRule(required_succeeded=9_800, required_verified=9_000)

    found = gate_power(strict, 50, share, unproven=back)
    bound = gate_power(lenient, 50, share, unproven=back)

    assert found == pytest.approx(fails_with_versions(50, 95, 96, share, back), abs=1e-12)
    exact = fails_with_versions(50, 98, 90, share, back)
    assert exact - 0.2 <= bound <= exact + 1e-12
    if not share or not back:
        assert bound == pytest.approx(exact, abs=1e-12)


def test_a_stricter_share_of_verified_things_counts_for_the_power_and_for_nerves():
    verify = (section("VERIFY_CONFIG", source="classic", versionPath="v", expectedVersion="2"),)
    keys = {"waveList": "canary:50", "requiredSucceededPercentage": "90"}

    def found(profile: FleetProfile | None = None, **more: str) -> dict[str, Finding]:
        text = wave_ini(*ABORT, *verify, default=VERIFIED, **keys, soakMinutes="31", **more)
        return {one.code: one for one in lint(configuration_of(text), 1000, profile)}

    blind, seeing = found()["OTA701"], found(requiredVerifiedPercentage="98")["OTA701"]
    assert "50 things at 90% stop an image that breaks 5% of things with 3.8%" in blind.message
    assert "50 things at 98% stop an image that breaks 5% of things with 72%" in seeing.message
    assert seeing.safe.startswith("a higher requiredVerifiedPercentage, or ")

    wrong = FleetProfile(group=(Group(old_rate=0.02, dark_rate=0.01),))
    nervous = found(wrong, requiredVerifiedPercentage="95")["OTA702"]
    assert nervous.key == "requiredVerifiedPercentage"
    assert "and 3% come back old or dark, fails this gate with" in nervous.message
    assert "OTA702" not in found(requiredVerifiedPercentage="95")
    assert "OTA702" not in found(wrong)


VERIFIED = {"useAbortConfig": "True", "useVerifyConfig": "True"}


def test_the_ends_of_the_binomial_sum():
    assert binomial_above(10, 0.0, 0) == 0
    assert binomial_above(10, 1.0, 9) == 1
    assert binomial_above(10, 0.5, 10) == 0


def test_sound_waves_are_not_talked_about():
    assert findings() == {}


def test_the_first_gate_is_told_its_power_and_what_would_be_enough():
    found = findings(waveList="canary:50", requiredSucceededPercentage="98")

    message = found["OTA701 canary"].message
    assert "50 things at 98% stop an image that breaks 5% of things with 72%" in message
    assert "OTA701 rest" not in found
    few = findings(waveList="canary:10", requiredSucceededPercentage="90")
    assert few["OTA701 canary"].severity is Severity.WARNING
    assert few["OTA701 canary"].safe.startswith("a higher requiredSucceededPercentage, or ")
    two = findings(waveList="canary:2", requiredSucceededPercentage="95")
    assert two["OTA701 canary"].safe == "more things at a higher requiredSucceededPercentage"


def test_a_gate_that_a_healthy_fleet_fails_is_warned_of():
    found = findings(waveList="canary:300, early:10, rest", requiredSucceededPercentage="98")

    assert found["OTA702 early"].severity is Severity.WARNING
    assert "OTA702 canary" not in found


def test_a_gate_that_offline_things_keep_from_being_reached_is_warned_of():
    profile = FleetProfile(group=(Group(never=0.15),))

    found = findings(requiredEndedPercentage="85", profile=profile)

    assert "15% of its things never connect" in found["OTA703 canary"].message
    assert findings(requiredEndedPercentage="75", profile=profile) == {}


def test_where_recent_things_come_first_the_others_keep_the_last_gate_from_being_reached():
    profile = FleetProfile(group=(Group(never=0.15),))
    wanted = {"requiredEndedPercentage": "80", "waveList": "canary:300, early:40%"}

    found = findings(preferRecent="True", profile=profile, **wanted)

    # 150 of 1,000 things: all of them are in the last 300.
    assert {*found} == {"OTA703 rest"}
    assert "50% of its things never connect" in found["OTA703 rest"].message
    assert findings(profile=profile, **wanted).keys() != found.keys()


def test_a_fast_wave_without_abort_criteria_is_warned_of_and_nothing_else_says_the_same():
    found = findings(abort=False, things=20_000)

    assert "15,000 of 19,700 things are notified" in found["OTA704 rest"].message
    text = wave_ini(waveList="canary:300")
    assert "OTA104" not in {one.code for one in lint(configuration_of(text), 20_000)}


def test_a_soak_shorter_than_the_timeout_is_told():
    assert {*findings(soakMinutes="29")} == {"OTA705 canary", "OTA705 rest"}
    assert findings(soakMinutes="29", requiredEndedPercentage="100") == {}


def test_sizes_are_those_of_the_deal_as_far_as_a_number_of_things_tells():
    sizes = [
        WaveSize(things=50),
        WaveSize(groups=(GROUP,)),
        WaveSize(hundredths=1000),
        WaveSize(),
    ]

    assert expected_sizes(sizes, 95) == (50, None, 10, 35)
    assert expected_sizes(sizes, 40) == (40, None, 0, 0)


def test_the_examples_criteria_hardly_ever_stop_a_healthy_fleet():
    text = (Path(__file__).parents[4] / "examples" / "waves.ini").read_text()
    configuration = configuration_of(text)
    (criterion,) = configuration.job.abort_criteria

    assert probability_of_firing(criterion, 0.006, 20_000) < 0.001
    found = lint(configuration, 20_000)
    assert [one.code for one in found if one.severity is not Severity.NOTE] == []


def test_a_comparison_is_told_its_power_beforehand():
    found = findings(waveList="canary:50", compare="True")
    message = found["OTA706 canary"].message

    assert found["OTA706 canary"].severity is Severity.NOTE
    assert "50 things against 500 show a rise" in message
    assert "from 0.5% to 5% with 51% and 10% with 90%" in message
    assert "with 30% of all things offline 35 things against 350" in message
    assert "OTA706 rest" not in found, "nothing is left to compare the last wave with"


def test_waves_and_outcomes_that_are_compared_share_the_false_alarms():
    boots = section("VERIFY_CONFIG", expectedVersion="2", bootCountPath="boots")
    alone = wave_ini(waveList="canary:50", compare="True")
    kept = wave_ini(waveList="canary:50", compare="True", exceptThings="kept.txt")
    counted = wave_ini(
        boots, waveList="canary:50", compare="True", default={"useVerifyConfig": "True"}
    )

    assert [_canary(text) for text in (alone, kept, counted)] == [
        "5% with 51% and 10% with 90%",
        "5% with 43% and 10% with 86%",
        "5% with 43% and 10% with 86%",
    ]


def _canary(text: str) -> str:
    found = {one.code: one for one in lint(configuration_of(text), 1_000)}
    return found["OTA706"].message.partition(" to ")[2].partition(";")[0]


def test_a_soak_is_longer_than_aws_needs_to_notice_that_a_thing_has_gone():
    def found(soak: str, keep_alive: str, **keys: str) -> list[str]:
        verify = section("VERIFY_CONFIG", expectedVersion="2", keepAliveSeconds=keep_alive)
        on = {"useVerifyConfig": "True"}
        text = wave_ini(verify, default=on, waveList="canary:300", soakMinutes=soak, **keys)
        return [one.section for one in lint(configuration_of(text), 1_000) if one.code == "OTA707"]

    both = ["WAVE_CONFIG_canary", "WAVE_CONFIG_rest"]
    # 1,800 seconds and a reboot of 15.
    assert found("30", "1200", requiredVerifiedPercentage="95") == both
    assert found("31", "1200", requiredVerifiedPercentage="95") == []
    assert found("8", "300", requiredVerifiedPercentage="95") == []
    assert found("30", "1200", compare="True") == both
    assert found("1", "1200") == [], "a gate that looks at no connection"
