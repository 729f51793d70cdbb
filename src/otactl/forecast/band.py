"""An uncertain number: its median, and a band that holds nine times in ten.

The band is a *prediction* interval: of R sorted runs, the 5% and 95% quantiles are taken at the
positions 0.05 (R + 1) and 0.95 (R + 1). Then a further run, such as the real one, lies inside nine
times in ten for any number of runs. With the usual quantiles, at 0.05 (R - 1) + 1, it would be 8
in 10 for 20 runs. With fewer than 19 runs the band is the range of the runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otactl.model.json_output import forecast as json_forecast

LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95
#: The fewest runs for which 0.05 (R + 1) is a position.
FEWEST_RUNS = 19


@dataclass(frozen=True, slots=True)
class Band:
    """5% quantile, median and 95% quantile; infinite if a run did not get that far."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Band:
        """The band of one value per run."""
        ordered = sorted(values)
        return cls(*(quantile(ordered, share) for share in (LOW, MIDDLE, HIGH)))

    @classmethod
    def of_any(cls, values: Iterable[float]) -> Band | None:
        """The band of one value per run; None without values."""
        found = list(values)
        return cls.of(found) if found else None

    def to_fields(self, digits: int = 3) -> json_forecast.Band:
        """The band as JSON fields; null for what is infinite."""
        return {
            "p5": _finite(self.low, digits),
            "median": _finite(self.median, digits),
            "p95": _finite(self.high, digits),
        }


def band_fields(band: Band | None) -> json_forecast.Band | None:
    """A band as JSON fields; None for None."""
    return None if band is None else band.to_fields()


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile at the position ``share (n + 1)``, within the values.

    Args:
        ordered: Ascending; infinite values last.
        share: 0 to 1.
    """
    if not ordered:
        return math.nan
    location = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = math.floor(location)
    above = min(below + 1, len(ordered) - 1)
    rest = location - below
    if rest < 1e-9 or ordered[below] == ordered[above]:  # noqa: PLR2004  # rounding of the position
        return float(ordered[below])
    return float(ordered[below] + rest * (ordered[above] - ordered[below]))


def _finite(value: float, digits: int) -> float | None:
    if not math.isfinite(value):
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
