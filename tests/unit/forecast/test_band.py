"""Bands that hold a further run nine times in ten."""

import math

import numpy as np
import pytest

from otactl.forecast.band import FEWEST_RUNS, Band, quantile


def test_the_quantiles_lie_at_the_places_of_a_prediction_interval() -> None:
    runs = list(range(1, 20))
    band = Band.of(runs)
    # Of 19 values in order, 5% of 20 is the first place and 95% the last.
    assert (band.low, band.median, band.high) == (1, 10, 19)


def test_few_runs_give_what_was_seen() -> None:
    assert Band.of([3, 1, 2]) == Band(1, 2, 3)
    assert math.isnan(quantile([], 0.5))


def test_runs_that_never_got_there_are_infinite_and_null_in_json() -> None:
    band = Band.of([*range(18), math.inf, math.inf])
    assert band.high == math.inf
    assert band.median == pytest.approx(9.5)
    assert band.to_fields() == {"p5": 0.05, "median": 9.5, "p95": None}


@pytest.mark.parametrize("runs", [FEWEST_RUNS, 20, 40, 100])
def test_a_further_draw_lies_inside_nine_times_in_ten(runs: int) -> None:
    dice = np.random.default_rng(runs)
    trials, held = 4000, 0
    for _ in range(trials):
        band = Band.of(dice.exponential(size=runs))
        held += band.low <= dice.exponential() <= band.high
    assert held / trials == pytest.approx(0.9, abs=0.02)
