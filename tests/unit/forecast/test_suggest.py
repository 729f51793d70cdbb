"""A suggested rollout keeps its promise with other dice, or says what binds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.dev_ini import REQUIRED
from tests.support.forecasting import criterion, hasty, scenario

from otactl.forecast.band import Band, quantile
from otactl.forecast.ensemble import play
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.suggest.goal import Goal, Setting, Suggestion, TradeOff
from otactl.forecast.suggest.search import suggest, too_many
from otactl.forecast.suggest.trial import alarm_runs, most_alarms
from otactl.forecast.summary import finished_seconds
from otactl.model import limits
from otactl.model.configuration import parse_configuration
from otactl.model.job_configuration import JobConfiguration, Rollout

FLEET = FleetProfile(group=(Group(online=0.98),))
JOB = JobConfiguration(in_progress_timeout_minutes=60)
BASE = scenario(JOB, FLEET, 5000, horizon_days=3)
SETTING = Setting(rollout=Rollout(maximum_per_minute=10), criterion=criterion(10, 20))
WISH = Goal(within_seconds=2 * 3600, max_bricked=40, failure_rate=0.08)


@pytest.fixture(scope="module")
def found() -> Suggestion:
    return suggest(BASE, WISH)


def test_it_keeps_its_promise_with_other_seeds(found: Suggestion) -> None:
    assert found.setting is not None
    job = found.setting.applied(JOB)
    bad = FLEET.with_failure_rate(WISH.failure_rate)
    for seed in (101, 102):
        hurt = play(replace(BASE, job=job, profile=bad, runs=60, seed=seed))
        assert quantile(sorted(t.bricked for t in hurt), 0.95) <= WISH.max_bricked
        well = play(replace(BASE, job=job, runs=20, seed=seed))
        times = sorted(finished_seconds(t, WISH.finish_percent) for t in well)
        assert quantile(times, 0.95) <= WISH.within_seconds
        assert sum(t.aborted_ms is not None for t in well) <= 1


def test_it_can_be_written_into_a_dev_ini_and_is_within_aws_s_limits(found: Suggestion) -> None:
    assert found.setting is not None
    text = found.setting.to_ini()
    default = "\n".join(f"{key} = {value}" for key, value in REQUIRED.items())
    loaded = parse_configuration(text.replace("[DEFAULT]", f"[DEFAULT]\n{default}"), file_name="x")
    job = loaded.configuration.job
    assert job.rollout == found.setting.rollout
    assert job.abort_criteria == (found.setting.criterion,)
    assert found.setting.rollout.maximum_per_minute in limits.MAXIMUM_PER_MINUTE


def test_the_curve_trades_time_for_bricked_things(found: Suggestion) -> None:
    times = [point.finished_seconds for point in found.curve]
    assert len(times) >= 3
    assert times == sorted(times)
    assert found.curve[-1].bricked.median < found.curve[0].bricked.median


def test_time_binds_when_the_fleet_is_too_large_for_it() -> None:
    hurried = suggest(replace(BASE, things=200_000), replace(WISH, within_seconds=3600))
    assert hurried.setting is None
    assert hurried.binds.startswith("time binds")


def test_the_fleet_binds_when_too_many_things_are_away() -> None:
    away = FleetProfile(group=(Group(online=0.5, never=0.3),))
    found = suggest(replace(BASE, profile=away), WISH)
    assert found.setting is None
    assert found.binds.startswith("the fleet binds")


def test_the_limit_binds_when_no_abort_can_be_that_quick() -> None:
    found = suggest(BASE, replace(WISH, max_bricked=0))
    assert found.setting is None
    assert found.binds.startswith("the limit of bricked things binds")


def test_more_time_is_offered_only_when_it_is_more() -> None:
    def point(hours: float, bricked: float) -> TradeOff:
        band = Band(bricked - 1, bricked, bricked)
        return TradeOff(setting=SETTING, finished_seconds=hours * 3600, bricked=band)

    # The point before the limit has a few runs only: it is no way out, though it seems to keep it.
    seeming, slower = point(1.5, WISH.max_bricked), point(5, WISH.max_bricked - 5)
    reached = WISH.max_bricked + 0.2
    assert too_many(reached, WISH, [seeming]).endswith("up to 41; more time does not help enough")
    reported = too_many(reached, WISH, [seeming, slower])
    assert reported.endswith("up to 41; with about 5.0 hours there is one that does not")


def test_the_failure_rate_binds_when_bad_cannot_be_told_from_good() -> None:
    found = suggest(BASE, replace(WISH, failure_rate=0.006))
    assert found.setting is None
    assert found.binds.startswith("the failure rate binds")
    assert found.to_fields()["found"] is False


def test_false_alarms_bind_when_failures_come_sooner_than_successes() -> None:
    # Rejections are instant and successes take most of an hour: the first ends are all rejections.
    found = suggest(
        replace(BASE, profile=hasty(0.05, low=400, high=450), things=300),
        replace(WISH, failure_rate=0.15, within_seconds=2 * 3600, max_bricked=1000),
    )
    assert found.setting is None
    assert found.binds.startswith("false alarms bind")


def test_a_criterion_that_bears_more_is_found_where_failures_come_sooner() -> None:
    # Rejections are instant: a criterion just above a healthy fleet's share trips on the first
    # ends. One that bears twice as much does not, and a bad image still meets it.
    base = replace(BASE, profile=hasty(0.02, low=3000, high=6000), things=600)
    goal = replace(WISH, failure_rate=0.6, within_seconds=4 * 3600, max_bricked=500)
    found = suggest(base, goal)
    assert found.setting is not None, found.binds
    well = play(replace(base, job=found.setting.applied(JOB), runs=100, seed=77))
    assert sum(t.aborted_ms is not None for t in well) <= 3


@pytest.mark.slow  # the sample: the promise with other seeds, above
def test_the_time_is_kept_with_other_seeds_too_where_it_varies_much() -> None:
    # Of 200 things twenty are away for hours: what bricks the least takes nearly all of the time
    # there is in the mean, and is late now and then.
    usual = replace(BASE, profile=FleetProfile(), things=200, seed=3, horizon_days=30)
    goal = replace(WISH, within_seconds=7 * 3600, max_bricked=10, failure_rate=0.3)
    found = suggest(usual, goal)
    assert found.setting is not None, found.binds
    well = play(replace(usual, job=found.setting.applied(JOB), runs=100, seed=303))
    times = sorted(finished_seconds(t, goal.finish_percent) for t in well)
    assert quantile(times, 0.95) <= goal.within_seconds


def test_a_fleet_of_five_is_too_few_and_that_is_said() -> None:
    found = suggest(replace(BASE, things=5), WISH)
    assert found.setting is None
    assert found.binds.startswith("the fleet binds: 5 things are too few")


def test_only_so_few_alarms_show_that_a_criterion_is_quiet() -> None:
    # Of 100 runs none at 1%, though 1 would be usual: 3 or 6% would show one as well. At 30% a
    # criterion that trips more often has 22 alarms or fewer one time in twenty at most.
    assert most_alarms(100, 0.01) == 0
    assert most_alarms(100, 0.0001) == 0
    assert most_alarms(100, 0.3) == 22
    assert most_alarms(60, 0.5) == 23


def test_as_many_runs_are_played_as_show_that_a_criterion_is_quiet() -> None:
    # 0.99 ** 298 is 0.0500 and 0.99 ** 299 is 0.0495: one in twenty.
    assert alarm_runs(0.01) == 299
    assert most_alarms(alarm_runs(0.01), 0.01) == 0
    assert alarm_runs(0.5) == 50
    assert alarm_runs(0) == alarm_runs(0.0001) == 1000


def test_every_answer_says_it_in_fields(found: Suggestion) -> None:
    fields = found.to_fields()
    assert fields["found"] is True
    assert fields["setting"]["failureType"] == "ALL"
    assert isinstance(found.bricked, Band)
