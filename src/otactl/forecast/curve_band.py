"""Counts over time of many runs, as bands on one time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.attempts import Integers
from otactl.forecast.band import HIGH, LOW, MIDDLE
from otactl.forecast.run_result import RunResult
from otactl.model.json_output import forecast as json_forecast
from otactl.rules.rollout import MINUTE_MS

SERIES = ("notified", "succeeded", "unsuccessful", "bricked", "bytes_per_second")
#: The axis ends when this share of what finishes at all has finished, in most runs.
SHOWN_SHARE = 0.98
MOST_RUNS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBand:
    """One count over time: 5% quantile, median, 95% quantile at each point."""

    low: NDArray[np.float64]
    median: NDArray[np.float64]
    high: NDArray[np.float64]

    def to_fields(self) -> json_forecast.Series:
        """The band as JSON fields."""
        return {
            "p5": [round(float(value), 1) for value in self.low],
            "median": [round(float(value), 1) for value in self.median],
            "p95": [round(float(value), 1) for value in self.high],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveBand:
    """Counts over time.

    Attributes:
        minutes: The time axis, from the job's creation.
        series: By name, those of ``SERIES``.
    """

    minutes: Integers
    series: Mapping[str, SeriesBand]

    def to_fields(self) -> dict[str, json_forecast.Series | list[int]]:
        """The curves as JSON fields."""
        names = {"bytes_per_second": "bytesPerSecond"}
        return {
            "minutes": [int(minute) for minute in self.minutes],
            **{names.get(name, name): band.to_fields() for name, band in self.series.items()},
        }


def shown_minutes(results: Sequence[RunResult]) -> int:
    """The length of a time axis that shows what happens in most runs."""
    ends = sorted(_interesting_minutes(found) for found in results)
    return ends[min(len(ends) - 1, int(MOST_RUNS * len(ends)))]


def curve_bands(results: Sequence[RunResult], points: int, end: int) -> CurveBand:
    """The bands of every run on one axis of N points at most, from time 0 to the minute ``end``."""
    minutes = np.unique(np.linspace(0, end, min(points, end + 1)).round().astype(np.int64))
    series = {}
    for name in SERIES:
        # A minute's things are notified when it begins, and counted when it is over.
        seen = minutes + 1 if name == "notified" else minutes
        runs = np.array([found.curves.at(name, seen) for found in results])
        # The same positions as band.quantile: numpy calls that definition "weibull".
        low, median, high = np.quantile(runs, (LOW, MIDDLE, HIGH), axis=0, method="weibull")
        series[name] = SeriesBand(low=low, median=median, high=high)
    return CurveBand(minutes=minutes, series=series)


def _interesting_minutes(found: RunResult) -> int:
    """Until nearly all that finish have finished; a long tail of late check-ins is left out."""
    curves = found.curves
    finished = curves.succeeded + curves.unsuccessful
    location = int(np.searchsorted(finished, SHOWN_SHARE * finished[-1]))
    rolled_out = int(np.searchsorted(curves.notified, curves.notified[-1]))
    end = int(curves.minutes[max(location, rolled_out)])
    if found.aborted_ms is None:
        return end
    # Show an abort in the middle of the axis, not at its edge.
    return max(end, 2 * -(-found.aborted_ms // MINUTE_MS))
