"""The distribution of a quantity over a fleet: download speeds, delays, install times.

In a profile a distribution is a number, if it is the same everywhere, or a table in one of these
forms:

| form | meaning |
|---|---|
| ``{ low = 1, high = 5 }`` | uniform |
| ``{ mean = 30 }`` | exponential: many short, few long |
| ``{ median = 60, p95 = 600 }`` | lognormal, by its median and its 95% or 5% (``p5``) quantile |
| ``{ values = [1, 2, 4, 9] }`` | as measured: equally spaced quantiles, ascending |

Pure: ``quantile`` needs no NumPy, so the linter can compute how slow the slowest things are.
``forecast.sampled_fleet`` draws from a distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from statistics import NormalDist
from typing import Annotated, Any

from pydantic import Field, model_validator

from otactl.forecast.toml_text import Strict

#: Limits of a quantity, SMALLEST where it must not be 0: 30,000 years, a terabyte per second.
#: Within them the arithmetic cannot overflow.
LARGEST, SMALLEST = 1e12, 1e-9

NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=SMALLEST, le=LARGEST, allow_inf_nan=False)]

#: How many standard deviations lie between the median and the 95th percentile of a normal.
Z_95 = NormalDist().inv_cdf(0.95)


class Form(StrEnum):
    """The ways to write a distribution."""

    CONSTANT = "constant"
    UNIFORM = "low/high"
    EXPONENTIAL = "mean"
    LOGNORMAL = "median"
    MEASURED = "values"


class Distribution(Strict):
    """A distribution of non-negative numbers, in exactly one of the forms above."""

    constant: NotNegative | None = None
    low: NotNegative | None = None
    high: NotNegative | None = None
    mean: NotNegative | None = None
    median: Positive | None = None
    p95: Positive | None = None
    p5: Positive | None = None
    values: tuple[NotNegative, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: Any) -> Any:
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return {"constant": given} if is_number else given

    @model_validator(mode="after")
    def _one_form(self) -> Distribution:
        given = frozenset(name for name, value in self if value is not None)
        if given not in _FORMS:
            raise ValueError(
                "write a number, or one of { low, high }, { mean }, { median, p95 }, "
                "{ median, p5 }, { values }"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low must not be above high")
        if self.median is not None and (
            (self.p95 is not None and self.p95 < self.median)
            or (self.p5 is not None and self.p5 > self.median)
        ):
            raise ValueError("p5, median and p95 must rise in this order")
        if self.values is not None and (
            not self.values or list(self.values) != sorted(self.values)
        ):
            raise ValueError("values must be at least one number, the least first")
        return self

    @property
    def form(self) -> Form:
        """Its form."""
        return _FORMS[frozenset(name for name, value in self if value is not None)]

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm; only for a lognormal."""
        median = self.median or 1.0
        return math.log(self.p95 / median if self.p95 else median / (self.p5 or median)) / Z_95

    def quantile(self, share: float) -> float:
        """The value that this share (0 to 1) of the fleet stays at or below."""
        match self.form:
            case Form.CONSTANT:
                return self.constant or 0.0
            case Form.UNIFORM:
                low = self.low or 0.0
                return low + share * ((self.high or 0.0) - low)
            case Form.EXPONENTIAL:
                return -(self.mean or 0.0) * math.log1p(-min(share, 1 - 1e-12))
            case Form.LOGNORMAL:
                z = NormalDist().inv_cdf(min(max(share, 1e-12), 1 - 1e-12))
                return (self.median or 0.0) * math.exp(self.sigma * z)
            case Form.MEASURED:
                return between(self.values or (0.0,), share)


def between(values: Sequence[float], share: float) -> float:
    """The value that this share of equally spaced quantiles, ascending, stays at or below."""
    location = share * (len(values) - 1)
    below = min(math.floor(location), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    return values[below] + (location - below) * (values[above] - values[below])


def constant(value: float) -> Distribution:
    """The same value everywhere."""
    return Distribution(constant=value)


_FORMS: dict[frozenset[str], Form] = {
    frozenset({"constant"}): Form.CONSTANT,
    frozenset({"low", "high"}): Form.UNIFORM,
    frozenset({"mean"}): Form.EXPONENTIAL,
    frozenset({"median", "p95"}): Form.LOGNORMAL,
    frozenset({"median", "p5"}): Form.LOGNORMAL,
    frozenset({"values"}): Form.MEASURED,
}
