"""The engine against arithmetic: rate times time, geometric growth, binomial first passage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.support.forecasting import (
    STEADY_SECONDS,
    constant,
    constant_rate,
    criterion,
    exponential_rate,
    scenario,
    steady,
    steady_group,
)

from otactl.forecast.band import Band
from otactl.forecast.ensemble import Scenario, bricked_without_abort, play
from otactl.forecast.price import shipped_prices
from otactl.forecast.profile import FleetProfile
from otactl.forecast.summary import MILESTONES, Forecast, finished_seconds, make_forecast
from otactl.model.job_configuration import (
    JobConfiguration,
    MaintenanceWindow,
    RetryCriterion,
    Scheduling,
)
from otactl.model.status import ExecutionStatus, FailureType, TargetSelection
from otactl.rules.first_passage import probability_of_firing

S = ExecutionStatus


def test_a_constant_rate_takes_things_over_rate_minutes() -> None:
    (found,) = play(scenario(constant_rate(70), steady(), 1000, runs=1))

    # 14 full batches, at minutes 0 to 13, and 20 things in the fifteenth.
    minutes = np.arange(1, 16)
    assert found.curves.notified.tolist() == np.minimum(70 * minutes, 1000).tolist()
    assert found.settled_ms == 14 * 60_000 + STEADY_SECONDS * 1000
    assert found.by_status[S.SUCCEEDED] == 1000


def test_an_exponential_rate_grows_geometrically() -> None:
    # Doubling whenever as many are notified as the next power of two asks for is the identity
    # 1 + 1 + 2 + 4 + ... only by luck; with a step of 10 the guide's own arithmetic applies.
    job = exponential_rate(10, 2.0, 1000, number_of_notified_things=10)
    (found,) = play(scenario(job, steady(), 5000, runs=1))

    expected, notified = [], 0
    while notified < 5000:
        notified = min(5000, notified + min(10 * 2 ** (notified // 10), 1000))
        expected.append(notified)
    assert found.curves.notified.tolist()[: len(expected)] == expected


def test_growth_by_successes_waits_for_them() -> None:
    # Every batch has succeeded 16 seconds later, before the next minute: the counter is what was
    # notified before, so growth is that of notified things.
    by_success = exponential_rate(10, 2.0, 1000, number_of_succeeded_things=20)
    by_notified = exponential_rate(10, 2.0, 1000, number_of_notified_things=20)
    one, other = (
        play(scenario(job, steady(), 3000, runs=1))[0] for job in (by_success, by_notified)
    )
    assert one.curves.notified.tolist() == other.curves.notified.tolist()
    # And a fleet in which nothing succeeds stays at the base rate, but goes on.
    (failing,) = play(scenario(by_success, steady(failure_rate=1.0), 300, runs=1))
    assert failing.curves.notified.tolist()[:30] == [10 * minute for minute in range(1, 31)]


def test_a_failing_fleet_is_aborted_at_the_minimum_and_what_runs_goes_on() -> None:
    # 50 a minute, all fail 16 seconds later at the same instant: the 30th end of the first
    # minute meets the criterion; nothing else was notified.
    job = constant_rate(50, criterion(10, 30))
    (found,) = play(scenario(job, steady(failure_rate=1.0), 1000, runs=1))

    assert found.aborted_ms == STEADY_SECONDS * 1000
    assert (found.executed_at_abort, found.failed_at_abort) == (30, 30)
    assert found.notified == 50
    assert found.by_status[S.FAILED] == found.bricked == 50


def test_what_is_queued_at_the_abort_is_canceled_and_what_is_not_notified_stays_so() -> None:
    job = constant_rate(50, criterion(10, 30))
    fleet = steady(failure_rate=1.0, online=0.8, never=0.0)
    for found in play(scenario(job, fleet, 1000, runs=10)):
        assert found.notified == 50
        assert found.by_status[S.CANCELED] + found.by_status[S.FAILED] == 50
        assert found.by_status[S.CANCELED] > 0


@pytest.mark.parametrize(
    ("percentage", "minimum", "rate"), [(11, 1, 0.01), (10, 20, 0.05), (5, 100, 0.03)]
)
def test_aborts_are_as_likely_as_the_first_passage_says(
    percentage: float, minimum: int, rate: float
) -> None:
    things, runs = 300, 500
    job = constant_rate(20, criterion(percentage, minimum))
    found = play(scenario(job, steady(failure_rate=rate), things, runs=runs, seed=5))

    expected = probability_of_firing(criterion(percentage, minimum), rate, things)
    seen = sum(t.aborted_ms is not None for t in found) / runs
    assert seen == pytest.approx(expected, abs=4 * (expected * (1 - expected) / runs) ** 0.5)


def test_silent_things_time_out_and_without_a_timeout_never_end() -> None:
    silent = steady(silence_rate=1.0)
    (timed,) = play(scenario(constant_rate(50, in_progress_timeout_minutes=3), silent, 100, runs=1))
    assert timed.by_status[S.TIMED_OUT] == 100
    assert timed.settled_ms == 60_000 + 1000 + 180_000
    (open_ended,) = play(scenario(constant_rate(50), silent, 100, runs=1))
    assert open_ended.settled_ms is None
    assert open_ended.by_status[S.IN_PROGRESS] == open_ended.bricked == 100


def test_retries_are_executions_of_their_own() -> None:
    job = JobConfiguration(
        retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=2),)
    )
    (found,) = play(scenario(job, steady(failure_rate=1.0), 100, runs=1))
    assert found.by_status[S.FAILED] == 100
    assert found.executions[S.FAILED] == 300
    # Each starts a second after it is queued, and the next is queued when it has failed.
    assert found.settled_ms == 3 * STEADY_SECONDS * 1000


def test_a_thing_gone_silent_with_the_new_image_does_not_take_up_its_retry() -> None:
    retry = RetryCriterion(failure_type=FailureType.TIMED_OUT, number_of_retries=3)
    job = JobConfiguration(in_progress_timeout_minutes=5, retry_criteria=(retry,))
    (gone,) = play(scenario(job, steady(silence_rate=1.0), 10, runs=1))
    assert gone.by_status[S.QUEUED] == gone.bricked == 10
    (lost,) = play(scenario(job, steady(silence_rate=1.0, silence_after_install=0.0), 10, runs=1))
    assert lost.executions[S.TIMED_OUT] == 40
    assert lost.bricked == 0


def test_bytes_are_conserved_and_the_peak_is_rate_times_bandwidth() -> None:
    # 60 a minute, each for ten seconds at 100 kB/s: ten seconds of each minute at 6 MB/s.
    (found,) = play(scenario(constant_rate(60), steady(), 600, runs=1))
    assert found.downloads == 600
    assert found.curves.bytes_per_second.sum() * 60 == pytest.approx(600e6)
    assert found.peak_bytes_per_second == pytest.approx(60 * 1e6 / 60)


def test_more_than_a_stream_carries_is_not_forecast_over_a_stream() -> None:
    fast = steady(bandwidth_bytes_per_second={"low": 1e8, "high": 1e9})
    (found,) = play(scenario(constant_rate(60), fast, 60, runs=1, image_bytes=5_242_880))
    # 512 KiB/s: ten seconds for 5 MiB, then one second to start and five to install.
    assert found.settled_ms == 16_000


def test_group_sizes_are_exact() -> None:
    profile = FleetProfile(
        group=(
            steady_group(name="good", share=2),
            steady_group(name="bad", share=1, failure_rate=1.0),
        )
    )
    for found in play(scenario(constant_rate(100), profile, 100, runs=5)):
        assert found.by_status[S.FAILED] == 33


def test_the_same_seed_gives_the_same_runs_however_many_threads_play_them() -> None:
    job = exponential_rate(10, 1.5, 100, criterion(6, 50), number_of_succeeded_things=50)
    fleet = steady(failure_rate=0.05, online=0.7)
    one, other = (play(scenario(job, fleet, 2000, runs=8), workers=workers) for workers in (1, 3))
    assert [t.settled_ms for t in one] == [t.settled_ms for t in other]
    assert [t.executions for t in one] == [t.executions for t in other]
    (third,) = play(scenario(job, fleet, 2000, runs=1, seed=2))
    assert third.settled_ms != one[0].settled_ms


def test_the_share_online_follows_the_hour_of_the_day() -> None:
    by_hour = [0.0] * 24
    by_hour[10] = 1.0
    fleet = steady(online_by_hour=tuple(by_hour), check_in_seconds={"low": 86400, "high": 86400})
    fleet = fleet.model_copy(update={"start_hour": 9.5})
    (found,) = play(scenario(constant_rate(1), fleet, 120, runs=1))
    # Notified from 9:30 to 11:29: those of the hour from 10:00 to 10:59 are there.
    early = int(found.curves.succeeded[200])
    assert early == 60


def test_ends_behind_the_horizon_are_not_seen() -> None:
    late = steady(online=0.0, check_in_seconds={"low": 2 * 86400, "high": 2 * 86400})
    (found,) = play(scenario(constant_rate(100), late, 100, runs=1, horizon_days=1))
    assert found.by_status[S.QUEUED] == 100
    assert found.settled_ms is None


def test_things_that_come_back_after_weeks_do_not_blur_the_first_minutes() -> None:
    # About 95 of each minute's 100 things are connected: the 500th finishes in the sixth minute,
    # the 900th in the tenth. The others come back after three weeks.
    fleet = steady(online=0.95, check_in_seconds=constant(21 * 86_400))
    for found in play(scenario(constant_rate(100), fleet, 1000, horizon_days=30)):
        assert finished_seconds(found, 50) == 360
        assert finished_seconds(found, 90) == 600
        assert len(found.curves.minutes) <= 2000
        # What comes late is told to a hundredth.
        assert finished_seconds(found, 100) == pytest.approx(21 * 86_400 + 600, rel=0.01)


def test_an_image_that_no_stream_carries_is_told() -> None:
    big = scenario(constant_rate(60), steady(), 10, runs=1, image_bytes=25 * 1024 * 1024)
    made = make_forecast(big, name="big.ini", prices=shipped_prices())
    assert any("cannot be deployed" in note for note in made.notes)


def test_the_band_of_a_large_fleet_without_an_abort_is_that_of_its_own_binomial() -> None:
    # A million things of which one in a hundred is bricked: 10,000, give or take 1.64 x 99.5; the
    # mean learned from 20 samples of 50,000 is off by up to as much again.
    asked = scenario(constant_rate(1000), steady(failure_rate=0.01), 1_000_000, runs=20)
    band = Band.of(bricked_without_abort(asked))
    assert band.median == pytest.approx(10_000, abs=300)
    assert 200 < band.high - band.low < 900


def test_nothing_bricked_in_the_sample_is_not_less_than_nothing_in_the_fleet() -> None:
    asked = scenario(constant_rate(1000), steady(failure_rate=1e-5), 51_000, runs=20)
    assert min(bricked_without_abort(asked)) == 0


def forecast_of(played: Scenario) -> Forecast:
    return make_forecast(played, name="windows", prices=shipped_prices())


NIGHTLY = Scheduling(
    maintenance_windows=(MaintenanceWindow(start_time="cron(0 2 ? * * *)", duration_minutes=30),)
)
MIDNIGHT = datetime(2027, 3, 1, 0, 0, tzinfo=UTC)


def test_things_are_notified_in_the_maintenance_windows_alone() -> None:
    # 10 a minute, 30 minutes a night: 300 things each night from two o'clock on.
    job = constant_rate(10, scheduling=NIGHTLY, target_selection=TargetSelection.CONTINUOUS)
    made = forecast_of(scenario(job, steady(), 900, begins=MIDNIGHT))

    notified = made.results[0].curves
    night = 24 * 60
    first = [int(count) for count in notified.at("notified", np.array([120, 121, 150, 151 + 60]))]
    assert first == [0, 10, 300, 300]
    assert made.duration_seconds.median == (2 * night + 120 + 29) * 60 + STEADY_SECONDS
    assert made.finished_seconds(50).median == (night + 120 + 15) * 60
    assert "maintenance windows" in "".join(made.notes)


def test_a_rate_that_waits_for_successes_goes_on_in_the_next_window() -> None:
    waits = exponential_rate(10, 2.0, 40, number_of_succeeded_things=100)
    plain = forecast_of(scenario(waits, steady(), 500))
    windowed = replace(waits, scheduling=NIGHTLY)
    nightly = forecast_of(scenario(windowed, steady(), 500, begins=MIDNIGHT))

    # The whole rollout fits into the first night, and takes as long as without windows.
    later = nightly.duration_seconds.median - plain.duration_seconds.median
    assert later == 120 * 60


def test_an_abort_in_a_window_leaves_the_nights_after_it_alone() -> None:
    job = constant_rate(10, criterion(50, 20), scheduling=NIGHTLY)
    made = forecast_of(scenario(job, steady(failure_rate=1.0), 900, begins=MIDNIGHT))

    assert made.abort_probability == 1
    assert made.abort_seconds.high < (120 + 5) * 60
    assert made.results[0].notified <= 50


def test_windows_that_do_not_open_within_the_horizon_notify_nobody() -> None:
    never = Scheduling(
        maintenance_windows=(
            MaintenanceWindow(start_time="cron(0 2 ? * * 2030)", duration_minutes=30),
        )
    )
    made = forecast_of(scenario(constant_rate(10, scheduling=never), steady(), 900))

    assert made.results[0].notified == 0
    assert made.ends_probability == 0
    assert "no maintenance window opens" in "".join(made.notes)


def test_what_is_not_notified_within_the_horizon_is_not_over() -> None:
    job = constant_rate(10, scheduling=NIGHTLY)
    made = forecast_of(scenario(job, steady(), 900, begins=MIDNIGHT, horizon_days=2))

    assert made.results[0].notified == 600
    assert made.ends_probability == 0


@pytest.mark.parametrize("things", [100, 999])
def test_no_milestone_lies_after_the_end(things: int) -> None:
    made = forecast_of(scenario(constant_rate(100), steady(), things))

    assert made.finished_seconds(100).median == made.duration_seconds.median
    for percent in MILESTONES:
        assert made.finished_seconds(percent).high <= made.duration_seconds.high
