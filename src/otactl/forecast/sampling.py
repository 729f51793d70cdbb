"""Drawing from the distributions of a profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otactl.forecast.distribution import Distribution, Form


def draw(
    distribution: Distribution, count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """N independent draws."""
    match distribution.form:
        case Form.CONSTANT:
            return np.full(count, distribution.constant)
        case Form.UNIFORM:
            return generator.uniform(distribution.low or 0.0, distribution.high or 0.0, count)
        case Form.EXPONENTIAL:
            return generator.exponential(distribution.mean or 0.0, count)
        case Form.LOGNORMAL:
            drawn = generator.standard_normal(count)
            drawn *= distribution.sigma
            np.exp(drawn, out=drawn)
            drawn *= distribution.median or 0.0
            return drawn
        case Form.MEASURED:
            values = np.asarray(distribution.values, dtype=np.float64)
            location = generator.random(count) * (len(values) - 1)
            below = location.astype(np.int64)
            above = np.minimum(below + 1, len(values) - 1)
            return values[below] + (location - below) * (values[above] - values[below])


def draw_ms(
    seconds: Distribution, count: int, generator: np.random.Generator
) -> NDArray[np.int64] | np.int64:
    """N durations in whole milliseconds; one number when they are all the same."""
    if seconds.form is Form.CONSTANT:
        return np.int64(round((seconds.constant or 0.0) * 1000))
    drawn = draw(seconds, count, generator)
    drawn *= 1000
    return as_ms(drawn)


def as_ms(milliseconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Durations rounded to whole milliseconds, and kept below what a time can hold; in place."""
    np.minimum(milliseconds, 1e15, out=milliseconds)
    return np.rint(milliseconds, out=milliseconds).astype(np.int64)
