"""Statistics: the band of a forecast holds the truth as often as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.forecasting import criterion, exponential_rate, scenario

from otactl.forecast.band import Band
from otactl.forecast.ensemble import play
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.summary import finished_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.forecast.run_result import RunResult
    from otactl.model.job_configuration import JobConfiguration

TRIALS = 200
RUNS = 40
FLEET = FleetProfile(
    group=(
        Group(
            online=0.7,
            check_in_seconds={"mean": 4000},
            failure_rate=0.06,
            silence_rate=0.01,
            rejection_rate=0.01,
        ),
    )
)
MEASURES: dict[str, Callable[[RunResult], float]] = {
    "90% finished": lambda t: finished_seconds(t, 90),
    "bricked": lambda t: t.bricked,
    "peak": lambda t: t.peak_bytes_per_second,
}
CALM = exponential_rate(20, 1.5, 300, number_of_succeeded_things=100)
ABORTING = exponential_rate(20, 1.5, 300, criterion(4, 100), number_of_succeeded_things=100)


def trial(job: JobConfiguration, number: int) -> tuple[tuple[RunResult, ...], RunResult]:
    """A forecast, and what really happens: one more run, of another seed."""
    forecast = play(scenario(job, FLEET, 1500, runs=RUNS, seed=number, horizon_days=2))
    (truth,) = play(scenario(job, FLEET, 1500, runs=1, seed=10_000 + number, horizon_days=2))
    return forecast, truth


def covered(
    trials: list[tuple[tuple[RunResult, ...], RunResult]], measure: Callable[[RunResult], float]
) -> float:
    """How often the truth lies in the band."""
    bands = [(Band.of(map(measure, forecast)), measure(truth)) for forecast, truth in trials]
    return sum(band.low <= value <= band.high for band, value in bands) / len(trials)


@pytest.mark.slow
def test_the_bands_cover_the_truth_nine_times_in_ten() -> None:
    trials = [trial(CALM, number) for number in range(TRIALS)]
    found = {name: covered(trials, measure) for name, measure in MEASURES.items()}
    assert all(0.85 <= share <= 0.95 for share in found.values()), found


@pytest.mark.slow
def test_the_band_of_the_moment_of_the_abort_does_too() -> None:
    trials = [trial(ABORTING, number) for number in range(TRIALS)]
    assert 0.85 <= covered(trials, lambda t: t.aborted_ms or 0) <= 0.95


def test_a_sample_of_the_trials_is_not_far_from_it() -> None:
    trials = [trial(CALM, number) for number in range(25)]
    assert all(covered(trials, measure) >= 0.75 for measure in MEASURES.values())
