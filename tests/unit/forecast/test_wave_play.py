"""What a forecast of waves counts beside failures: ends, approvals, versions, alarms, rollbacks."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.forecast.test_waves import FAILS, GOOD, MINUTE, a_run, waves_of

from otactl.forecast.distribution import Distribution
from otactl.forecast.gate_moment import alarm_moment, is_forecast
from otactl.forecast.lint.wave_check import gate_power
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.wave_play import RollbackPolicy, rollback_scenario
from otactl.forecast.waves import WaveScenario, WavesForecast, forecast_waves
from otactl.model.alarm import OWN_NAMESPACE, SERVICE_NAMESPACE, Alarm, AlarmType
from otactl.model.job_configuration import JobConfiguration, Rollout, Scheduling
from otactl.model.thing_state import VersionSource
from otactl.model.verify import VerifyRule
from otactl.model.wave import GateRule, Verdict, WaveSize
from otactl.views.waves_forecast import gate_rows, outcome_rows
from otactl.views.waves_page import waves_page

RULE = GateRule(required_succeeded=9800, soak_ms=30 * MINUTE)
BEGINS = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
HEALTHY = Group(failure_rate=0, rejection_rate=0, silence_rate=0, online=1)
VERIFY = VerifyRule(
    source=VersionSource(version_path=("version",)),
    expected_version="2",
    verify_ms=45 * MINUTE,
)


def of(group: Group = HEALTHY, rule: GateRule = RULE, job=None, **fields) -> WaveScenario:
    waves = waves_of(
        ("canary", WaveSize(things=50)),
        ("early", WaveSize(hundredths=1000)),
        ("rest", WaveSize()),
        rule=rule,
    )
    if job is not None:
        waves = replace(waves, waves=tuple(replace(wave, job=job) for wave in waves.waves))
    return WaveScenario(
        **{
            "waves": waves,
            "profile": FleetProfile(group=(group,)),
            "things": 500,
            "image_bytes": 100_000,
            "begins": BEGINS,
            **fields,
        }
    )


def shown(forecast: WavesForecast) -> str:
    """Everything that the terminal says of it."""
    rows = [*gate_rows(forecast), *outcome_rows(forecast)]
    return "\n".join(" | ".join(row) for row in rows) + "\n".join(forecast.notes)


def ending(end: str, behavior: str | None = None, rate: int = 1000) -> JobConfiguration:
    return JobConfiguration(
        in_progress_timeout_minutes=30,
        rollout=Rollout(maximum_per_minute=rate),
        scheduling=Scheduling(end_time=end, end_behavior=behavior),
    )


def test_a_wave_that_cannot_begin_before_the_end_is_inconclusive():
    # Each gate takes half an hour and a bit: the third wave would begin after nine.
    found = forecast_waves(of(job=ending("2027-03-01T09:20")), name="x")

    assert [found.share(number, Verdict.PASS) for number in range(3)] == [1, 1, 0]
    assert found.refused_share(2) == found.share(2, Verdict.INCONCLUSIVE) == 1
    assert found.to_fields()["waves"][2]["refusedProbability"] == 1
    whole = found.reached()
    assert whole is not None
    assert whole.high == 100
    assert "endTime is too near for | rest in 100% of the runs: a person is asked" in shown(found)
    assert "endTime is too near" in waves_page([found])
    assert "2027-03-01T09:20" in "".join(found.notes)


@pytest.mark.parametrize("behavior", [None, "CANCEL", "FORCE_CANCEL"])
def test_who_is_not_notified_by_the_end_never_is_and_the_gate_gives_up(behavior):
    # One a minute: thirty of fifty things are notified when the job ends.
    job = ending("2027-03-01T08:30", behavior, rate=1)
    found = forecast_waves(of(job=job), name="x")

    assert found.share(0, Verdict.INCONCLUSIVE) == 1
    assert found.refused_share(0) == 0
    whole, decided = found.reached(), found.gate_seconds(0)
    assert whole is not None
    assert decided is not None
    assert whole.high == 30
    assert 1800 <= decided.low <= decided.high <= 1800 + 1800


def test_what_has_not_ended_by_a_forced_end_is_not_reached():
    slow = HEALTHY.model_copy(
        update={"install_seconds": HEALTHY.install_seconds.model_copy(update={"constant": 1500})}
    )
    job = replace(ending("2027-03-01T08:30"), rollout=Rollout(maximum_per_minute=4))
    goes_on = forecast_waves(of(slow, job=job), name="x")
    forced = forecast_waves(
        of(
            slow, job=replace(job, scheduling=ending("2027-03-01T08:30", "FORCE_CANCEL").scheduling)
        ),
        name="x",
    )

    assert goes_on.share(0, Verdict.PASS) == 1
    assert forced.share(0, Verdict.INCONCLUSIVE) == 1
    decided = forced.gate_seconds(0)
    assert decided is not None
    assert decided.high == 1800


def test_an_approval_is_named_and_comes_on_top_or_after_the_time_that_is_given():
    rule = replace(RULE, needs_approval=True)
    plain = forecast_waves(of(), name="x")
    at_once = forecast_waves(of(rule=rule), name="x")
    later = forecast_waves(of(rule=rule, answer_ms=120 * MINUTE), name="x")

    assert at_once.end_seconds == plain.end_seconds
    assert "plus the time until somebody approves canary, early, rest" in shown(at_once)
    assert "somebody approves" not in shown(plain)
    assert " + approval" in gate_rows(at_once)[0][-1]
    broken = forecast_waves(of(HEALTHY.model_copy(update={"failure_rate": 0.9}), rule), name="x")
    assert "+ approval" not in shown(broken)
    assert "until somebody approves canary" not in shown(broken)
    assert later.end_seconds.median == plain.end_seconds.median + 3 * 7200
    assert "with 2 h until somebody approves each of canary" in shown(later)
    fields = later.to_fields()
    assert fields["approvalSeconds"] == 7200
    assert all(wave["needsApproval"] for wave in fields["waves"])
    assert "plus the time until somebody approves" in waves_page([at_once])


def test_verification_is_in_the_time_to_each_gate():
    quick = replace(RULE, soak_ms=0)
    checked = replace(quick, required_verified=9500)
    plain = forecast_waves(of(rule=quick), name="x")
    verified = forecast_waves(of(rule=checked, verify=VERIFY), name="x")
    hidden = forecast_waves(of(rule=checked), name="x")

    one, other = plain.gate_seconds(0), verified.gate_seconds(0)
    assert one is not None
    assert other is not None
    # At 80% ended the plain gate passes; for 95% verified the last of 48 things must be judged.
    assert one.low + 45 * 60 <= other.low <= one.high + 46 * 60
    assert verified.end_seconds.low >= 3 * 45 * 60
    assert hidden.end_seconds == plain.end_seconds
    assert "no old_rate and no dark_rate" in shown(verified)


@pytest.mark.parametrize("name", ["old_rate", "dark_rate"])
def test_things_that_come_back_wrong_stop_the_canary_as_often_as_lint_says(name):
    rule = replace(RULE, required_verified=9500)
    wrong = HEALTHY.model_copy(update={name: 0.06})
    found = forecast_waves(of(wrong, rule, verify=VERIFY, things=60, runs=200), name="x")
    blind = forecast_waves(of(wrong, verify=VERIFY, things=60), name="x")

    power = gate_power(rule, 50, 0, unproven=0.06)
    spread = 4 * math.sqrt(power * (1 - power) / 200)
    assert 0.3 < power < 0.7
    assert abs(found.share(0, Verdict.FAIL) - power) < spread
    assert blind.share(0, Verdict.PASS) == 1
    broken = blind.reached(bricked=True)
    assert broken is not None
    assert (broken.median > 0) is (name == "dark_rate")


def test_the_way_back_takes_exactly_what_took_the_image_and_says_how_long():
    job = JobConfiguration(in_progress_timeout_minutes=30)
    bad = HEALTHY.model_copy(update={"failure_rate": 0.3, "failure_after_install": 0})
    policy = RollbackPolicy(job=job, profile=FleetProfile(group=(HEALTHY,)), wait_ms=30 * MINUTE)
    found = forecast_waves(of(bad, rollback=policy), name="x")

    assert found.share(0, Verdict.FAIL) == 1
    things, seconds = found.taken_back, found.way_back_seconds
    assert things is not None
    assert seconds is not None
    # All fifty were in the middle of it: seven in ten took it, and go back in one wave.
    assert 25 <= things.low <= things.high <= 45
    alone = forecast_waves(
        rollback_scenario(35, 0, job=job, profile=policy.profile, image_bytes=100_000), name="y"
    )
    assert alone.end_seconds.low + 60 <= seconds.low <= seconds.high < 60 * 30
    fields = found.to_fields()["rollback"]
    assert fields is not None
    assert fields["failProbability"] == 0
    assert "rolled back" in shown(found)
    assert forecast_waves(of(bad), name="x").to_fields()["rollback"] is None


def test_a_rollback_goes_to_fifty_first_and_never_waits_for_what_is_offline():
    job = JobConfiguration(in_progress_timeout_minutes=30)
    away = HEALTHY.model_copy(update={"never": 1.0})
    profile = FleetProfile(group=(away,))
    found = forecast_waves(
        rollback_scenario(80, 40, job=job, profile=profile, image_bytes=100_000), name="x"
    )

    assert [(wave.name, things) for wave, things in found.scenario.planned] == [
        ("first", 50),
        ("rest", 70),
    ]
    assert [found.share(number, Verdict.PASS) for number in range(2)] == [1, 1]
    assert found.end_seconds.high < 600


def an_alarm(metric: str = "failed", **fields) -> Alarm:
    return Alarm(
        **{
            "name": "a",
            "namespace": OWN_NAMESPACE,
            "metric_name": metric,
            "statistic": "Sum",
            "period_seconds": 60,
            "threshold": 1,
            "alarm_type": AlarmType.UPPER,
            "evaluation_periods": 1,
            "datapoints_to_alarm": 1,
            **fields,
        }
    )


def test_an_alarm_goes_off_at_the_end_of_the_period_that_is_bad_once_too_often():
    at_minutes = [1, 3, 3, 4, 4, 9, 9]
    run = a_run([(minute * MINUTE + 5, FAILS) for minute in at_minutes] + [(9, GOOD)])

    assert alarm_moment(an_alarm(), run) == 4 * MINUTE
    two_of_two = an_alarm(evaluation_periods=2, datapoints_to_alarm=2)
    assert alarm_moment(two_of_two, run) == 5 * MINUTE
    three_of_six = an_alarm(evaluation_periods=6, datapoints_to_alarm=3)
    assert alarm_moment(three_of_six, run) == math.inf
    three_of_seven = an_alarm(evaluation_periods=7, datapoints_to_alarm=3)
    assert alarm_moment(three_of_seven, run) == 10 * MINUTE
    assert alarm_moment(an_alarm("rejected"), run) == math.inf
    assert alarm_moment(an_alarm(datapoints_to_alarm=9, evaluation_periods=9), run) == math.inf


@pytest.mark.parametrize(
    "alarm",
    [
        an_alarm("downloadTime", statistic="Average"),
        an_alarm("failed", alarm_type=AlarmType.LOWER),
        an_alarm("failed", statistic="Average"),
        an_alarm("FailedJobExecutionTotalCount", namespace=SERVICE_NAMESPACE),
    ],
)
def test_an_alarm_on_what_no_forecast_knows_is_named(alarm):
    found = forecast_waves(of(alarms=(alarm,), runs=2), name="x")

    assert not is_forecast(alarm)
    assert "what these alarms watch is not in the forecast: a" in found.notes


def test_an_alarm_on_failures_stops_a_wave_before_its_gate_would():
    bad = HEALTHY.model_copy(update={"failure_rate": 0.3})
    lenient = replace(RULE, required_succeeded=5000)
    alarms = (an_alarm("FailedJobExecutionCount", namespace=SERVICE_NAMESPACE),)
    without = forecast_waves(of(bad, lenient), name="x")
    found = forecast_waves(of(bad, lenient, alarms=alarms), name="x")

    assert without.share(0, Verdict.PASS) == 1
    assert found.share(0, Verdict.FAIL) == 1
    assert not found.notes


def test_a_later_wave_meets_the_fleet_at_its_own_hour():
    # Connected from nine to ten only: the canary's soak lasts until the office has closed.
    hours = tuple(float(hour == 9) for hour in range(24))
    office = HEALTHY.model_copy(
        update={"online_by_hour": hours, "check_in_seconds": Distribution(constant=86_400)}
    )
    rule = replace(RULE, soak_ms=90 * MINUTE)
    found = forecast_waves(of(office, rule, runs=3), name="x")

    canary, early = found.gate_seconds(0), found.gate_seconds(1)
    assert canary is not None
    assert early is not None
    assert canary.high < 7200
    assert early.low > 86_400


def test_the_same_seed_gives_the_same_forecast():
    one, other = (forecast_waves(of(runs=3), name="x").to_fields() for _ in range(2))

    assert one == other
