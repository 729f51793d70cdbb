"""[WAVE_CONFIG] and its waves: what each key becomes, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, found, section

from otactl.model.comparison import CompareRule
from otactl.model.job_configuration import Rollout
from otactl.model.wave import GateRule, MissingAlarmData, Wave, Waves, WaveSize

GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/lab"
TIMEOUT = section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="30")


def wave_ini(*sections: str, default: dict[str, str] | None = None, **keys: str | None) -> str:
    """A valid file with waves, some keys of [WAVE_CONFIG] changed, and more sections."""
    own = {"useWaveConfig": "True", "useTimeoutConfig": "True"} | (default or {})
    waves = section("WAVE_CONFIG", **{"waveList": "canary:50, early:10%, rest"} | keys)
    return dev_ini(TIMEOUT, waves, *sections, **own)


def waves_of(*sections: str, default: dict[str, str] | None = None, **keys: str | None) -> Waves:
    waves = configuration_of(wave_ini(*sections, default=default, **keys)).waves
    assert waves is not None
    return waves


def wave_of(name: str, *sections: str, **keys: str | None) -> Wave:
    return next(one for one in waves_of(*sections, **keys).waves if one.name == name)


def faults(*sections: str, default: dict[str, str] | None = None, **keys: str | None):
    return [
        (where, key, code)
        for _, where, key, code in found(wave_ini(*sections, default=default, **keys))
    ]


def test_a_file_has_no_waves_unless_it_says_so():
    assert configuration_of(dev_ini()).waves is None
    assert configuration_of(dev_ini(section("WAVE_CONFIG", waveList="nonsense"))).waves is None


def test_wave_list_gives_names_and_sizes_and_implies_the_rest():
    sizes = [(one.name, one.size) for one in waves_of(waveList="canary:50,\n  early: 12.5 %").waves]

    assert sizes == [
        ("canary", WaveSize(things=50)),
        ("early", WaveSize(hundredths=1250)),
        ("rest", WaveSize()),
    ]
    assert wave_of("lab", waveList=f"lab:{GROUP}").size == WaveSize(groups=(GROUP,))


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("Canary:50", "form"),
        ("a-name-that-is-too-long:5", "form"),
        ("canary:0", "range"),
        ("canary:0%", "range"),
        ("canary:101%", "range"),
        ("canary:half", "form"),
        ("canary:50, canary:60", "list"),
        ("rest, canary:50", "list"),
        ("rest:50", "form"),
        ("others:rest", "form"),
        ("canary", "requires"),
        ("a:60%, b:40.01%", "range"),
        (", ".join(f"w{number}:1" for number in range(20)), "list"),
    ],
)
def test_wave_list_refuses_what_cannot_be(listed: str, code: str):
    assert faults(waveList=listed) == [("WAVE_CONFIG", "waveList", code)]


def test_a_waves_section_says_what_is_different():
    own = section(
        "WAVE_CONFIG_canary", size="7", soakMinutes="5", maximumMinutes="9", approval="yes"
    )

    canary = wave_of("canary", own, soakMinutes="30", requiredEndedPercentage="50")

    assert canary.size == WaveSize(things=7)
    assert canary.rule == GateRule(
        required_ended=5_000, soak_ms=300_000, maximum_ms=540_000, needs_approval=True
    )
    early = wave_of("early", own, soakMinutes="30")
    assert early.rule == GateRule(soak_ms=1_800_000)


def test_a_section_that_no_wave_has_is_warned_about():
    assert faults(section("WAVE_CONFIG_late", size="5")) == [("WAVE_CONFIG_late", "", "not-listed")]


def test_percentages_are_kept_in_hundredths():
    verify = section("VERIFY_CONFIG", expectedVersion="2")
    rule = (
        waves_of(
            verify,
            default={"useVerifyConfig": "True"},
            requiredEndedPercentage="66.67",
            requiredSucceededPercentage="99.5",
            requiredVerifiedPercentage="99.25",
        )
        .waves[0]
        .rule
    )

    assert (rule.required_ended, rule.required_succeeded) == (6_667, 9_950)
    assert rule.required_verified == 9_925
    for key in ("requiredEndedPercentage", "requiredSucceededPercentage"):
        assert faults(**{key: "0.5"}) == [("WAVE_CONFIG", key, "range")]


def test_alarm_list_names_alarms_that_exist():
    own = section("WAVE_CONFIG_early", alarmList="crash rate")

    assert wave_of("canary", own, alarmList="a, b/c").rule.alarms == ("a", "b/c")
    assert wave_of("early", own, alarmList="a, b/c").rule.alarms == ("crash rate",)


def test_alarm_missing_data_is_one_of_three_words():
    assert wave_of("canary").rule.missing_data is MissingAlarmData.WAIT
    assert wave_of("canary", alarmMissingData="fail").rule.missing_data is MissingAlarmData.FAIL
    assert faults(alarmMissingData="Fail") == [("WAVE_CONFIG", "alarmMissingData", "choice")]


def test_maximum_per_minute_is_of_the_waves_job():
    own = section("WAVE_CONFIG_canary", maximumPerMinute="7")

    assert wave_of("canary", own).job.rollout == Rollout(maximum_per_minute=7)
    assert wave_of("early", own).job.rollout is None
    assert wave_of("early", own, maximumPerMinute="9").job.rollout == Rollout(maximum_per_minute=9)


def test_maximum_per_minute_of_a_wave_is_above_the_base_rate():
    rate = (
        section("JOB_EXECUTE_ROLLOUT_CONFIG", maximumPerMinute="100", useExponentialRateCfg="True"),
        section(
            "EXP_RATE_CONFIG",
            baseRatePerMinute="50",
            incrementFactor="2",
            useRateIncreaseCriteria="True",
        ),
        section("INCREASE_CRITERIA", numberOfNotifiedThings="10"),
        section("WAVE_CONFIG_canary", maximumPerMinute="50"),
    )

    assert faults(*rate, default={"useJobExecutionsRolloutConfig": "True"}) == [
        ("WAVE_CONFIG_canary", "maximumPerMinute", "requires")
    ]


def test_only_the_first_wave_has_the_start_time_and_all_have_the_end_time():
    times = section("SCHEDULING_CONFIG", startTime="2027-03-01 02:00", endTime="2027-04-01 02:00")
    first, second, _ = waves_of(times, default={"useSchedulingConfig": "True"}).waves

    assert first.job.scheduling is not None
    assert second.job.scheduling is not None
    assert first.job.scheduling.start_time == "2027-03-01T02:00"
    assert second.job.scheduling.start_time is None
    assert second.job.scheduling.end_time == "2027-04-01T02:00"


def test_continuous_jobs_are_for_maintenance_windows_of_every_wave():
    default = {"useSchedulingConfig": "True", "targetSelection": "CONTINUOUS"}
    times = section("SCHEDULING_CONFIG", startTime="2027-03-01 02:00", maintenanceWindowList="n")
    night = section("MAINTENANCE_WINDOW_n", startTime="cron(0 2 * * ? *)", durationInMinutes="60")

    first, second, _ = waves_of(times, night, default=default).waves

    assert first.job.scheduling is not None
    assert second.job.scheduling == replace(first.job.scheduling, start_time=None)
    assert first.needs_group(1)
    assert not wave_of("canary").needs_group(100)
    assert wave_of("canary").needs_group(101)
    chosen = (section("VERIFY_CONFIG", expectedVersion="2"), section("ELIGIBILITY_CONFIG"))
    both = {"useVerifyConfig": "True", "useEligibilityConfig": "True"}
    assert faults(times, night, *chosen, default=default | both) == []
    refused = [("DEFAULT", "useWaveConfig", "requires")]
    assert faults(times, night, default=default | {"useSchedulingConfig": "False"}) == refused
    no_windows = section("SCHEDULING_CONFIG", endTime="2027-04-01 02:00")
    assert faults(no_windows, default=default) == refused


def test_what_holds_for_all_waves():
    text = wave_ini(sampleSeed="7", exceptThings="not.txt", openDays="3", groupFillPerSecond="90")
    waves = configuration_of(text, base_dir="/home/ann").waves

    assert waves is not None
    assert (waves.seed, waves.open_days, waves.fill_per_second) == ("7", 3, 90)
    assert waves.excepted_things == "/home/ann/not.txt"
    assert waves_of().seed is None
    assert faults(groupFillPerSecond="101") == [("WAVE_CONFIG", "groupFillPerSecond", "range")]


def test_waves_are_compared_when_the_file_says_so():
    assert waves_of().compare is None
    assert waves_of(compare="True").compare == CompareRule()
    assert waves_of(
        compare="True", minimumDifference="2.5", requireComparison="True"
    ).compare == CompareRule(minimum_difference=250, is_required=True)
    assert waves_of(compare="True", minimumDifference="0").compare == CompareRule(
        minimum_difference=0
    )
    assert faults(requireComparison="True") == [("WAVE_CONFIG", "requireComparison", "requires")]
    assert faults(minimumDifference="51") == [("WAVE_CONFIG", "minimumDifference", "range")]


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ({"useTimeoutConfig": "False"}, "requires"),
        ({"rounds": "2", "cleanUpCfg": "True"}, "requires"),
        ({"targetSelection": "CONTINUOUS"}, "requires"),
    ],
)
def test_use_wave_config_needs_a_timeout_and_one_round(default: dict[str, str], code: str):
    assert faults(default=default) == [("DEFAULT", "useWaveConfig", code)]


def test_recent_things_are_preferred_unless_waves_compare():
    assert waves_of(preferRecent="True").prefers_recent
    assert not waves_of().prefers_recent
    assert faults(preferRecent="True", compare="True") == [
        ("WAVE_CONFIG", "preferRecent", "requires")
    ]


def test_a_rollback_needs_a_version_its_source_and_no_clean_up():
    image, source = section("IMAGE_CONFIG", imageVer="2"), section("VERIFY_CONFIG", source="own")
    refused = [("WAVE_CONFIG", "onGateFailure", "requires")]
    clean = {"cleanUpCfg": "True"}

    assert faults(image, source, onGateFailure="rollback") == []
    assert waves_of(image, source, onGateFailure="rollback").rolls_back
    assert not waves_of(image, source).rolls_back
    assert faults(source, onGateFailure="rollback") == refused
    assert faults(image, source, default=clean, onGateFailure="rollback") == refused
    missing = [("WAVE_CONFIG", "onGateFailure", "missing-section")]
    assert faults(image, onGateFailure="rollback") == missing


def test_the_job_id_leaves_room_for_a_waves_name_and_a_rollback():
    assert faults(default={"jobId": "j" * 51}) == []

    assert faults(default={"jobId": "j" * 52}) == [("WAVE_CONFIG", "waveList", "range")]
