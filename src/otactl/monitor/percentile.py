"""Percentiles and histograms of what devices reported."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from otactl.model.progress import Percentiles

_STEPS = (1.0, 2.0, 5.0, 10.0)
#: The narrowest bar, in seconds: devices measure nothing shorter.
_NARROWEST = 1e-3
#: About how many bars a histogram has.
_BINS = 20


def percentiles(ascending: Sequence[float]) -> Percentiles:
    """The percentiles by nearest rank: each is a value that a device reported."""
    if not ascending:
        return Percentiles()

    def nearest_rank(percent: int) -> float:
        return ascending[max(0, math.ceil(percent / 100 * len(ascending)) - 1)]

    return Percentiles(
        count=len(ascending),
        p50=nearest_rank(50),
        p90=nearest_rank(90),
        p99=nearest_rank(99),
        max=ascending[-1],
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram: how many values are from ``low`` on and below ``high``."""

    low: float
    high: float
    count: int


def histogram(ascending: Sequence[float]) -> tuple[Bin, ...]:
    """Count values, none below 0, in bins of equal width whose edges are round numbers."""
    if not ascending:
        return ()
    low, high = ascending[0], ascending[-1]
    width = round_step(max((high - low or high or 1.0) / _BINS, _NARROWEST))
    first = math.floor(low / width)
    last = math.floor(high / width) + 1
    # If a quotient was rounded across an edge, the value is in the next bar.
    first -= first * width > low
    last += last * width <= high
    edges = [number * width for number in range(first, last + 1)]
    ranks = [bisect_left(ascending, edge) for edge in edges]
    return tuple(
        Bin(edges[number], edges[number + 1], ranks[number + 1] - ranks[number])
        for number in range(len(edges) - 1)
    )


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 … (or 0.1, 0.2 …) that is not below ``least``."""
    scale = 10.0 ** math.floor(math.log10(least))
    return next(step * scale for step in _STEPS if step * scale >= least * (1 - 1e-9))
