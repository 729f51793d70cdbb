"""An estimate and how sure it is: 95% confidence intervals for shares and quantiles.

Shares: Wilson's score interval, which holds for small counts too. Quantiles: order statistics,
which assume nothing of the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from otactl.forecast.distribution import between

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, its 95% confidence interval, and the number of observations behind it."""

    value: float
    low: float
    high: float
    count: int


def share(part: int, whole: int) -> Estimate | None:
    """A share, by Wilson's interval; None when nothing was observed."""
    if whole <= 0:
        return None
    seen = part / whole
    scale = 1 + _Z**2 / whole
    middle = (seen + _Z**2 / (2 * whole)) / scale
    half = _Z * math.sqrt(seen * (1 - seen) / whole + _Z**2 / (4 * whole**2)) / scale
    return Estimate(
        value=seen, low=max(0.0, middle - half), high=min(1.0, middle + half), count=whole
    )


def quantile_estimate(observed: Sequence[float], part: float) -> Estimate | None:
    """A quantile with the interval of its order statistics; None when nothing was observed.

    The number of observations below the true quantile is binomial, so the interval runs between
    the order statistics at its own 2.5% and 97.5% quantiles (by the normal approximation).
    """
    if not observed:
        return None
    ordered = sorted(observed)
    count = len(ordered)
    spread = _Z * math.sqrt(count * part * (1 - part))
    low = max(0, math.floor(count * part - spread) - 1)
    high = min(count - 1, math.ceil(count * part + spread))
    return Estimate(value=between(ordered, part), low=ordered[low], high=ordered[high], count=count)
