"""How likely a comparison sees a difference: every pair of counts, with its probability.

Nothing is approximated. Counts of the control that together are less likely than 1e-10 are left
out of the sum, which makes the power that much smaller, never larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log, log1p

from otactl.rules.comparison.fisher import least_worse, log_choose

#: What is called visible is seen with this probability.
VISIBLE = 0.8
_LEFT_OUT = 1e-13
_PRECISION = 1e-4


@dataclass(frozen=True, slots=True)
class Design:
    """A comparison before it is made: how many things, and what counts as worse.

    Attributes:
        level: The p-value at or below which it is worse.
        difference: The least difference of shares that is worse, hundredths of a percent.
    """

    wave: int
    control: int
    level: float
    difference: int


def binomial(things: int, share: float) -> list[float]:
    """The probability of each number of bad things, from none to all."""
    if share <= 0:
        return [1.0] + [0.0] * things
    if share >= 1:
        return [0.0] * things + [1.0]
    good, bad = log1p(-share), log(share)
    return [
        exp(log_choose(things, each) + each * bad + (things - each) * good)
        for each in range(things + 1)
    ]


def power(design: Design, control_share: float, wave_share: float) -> float:
    """The probability that a wave with one share is found worse than a control with the other."""
    return _power(design, tuple(_critical(design, control_share)), wave_share)


def visible_difference(design: Design, control_share: float) -> float | None:
    """The smallest difference that is seen with 80%; None when not even the largest is."""
    critical = tuple(_critical(design, control_share))
    low, high = control_share, 1.0
    if _power(design, critical, high) < VISIBLE:
        return None
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if _power(design, critical, middle) < VISIBLE:
            low = middle
        else:
            high = middle
    return high - control_share


def _power(design: Design, critical: Sequence[tuple[float, int]], wave_share: float) -> float:
    tail = list(accumulate(reversed(binomial(design.wave, wave_share))))
    return sum(
        chance * tail[design.wave - least] for chance, least in critical if least <= design.wave
    )


def _critical(design: Design, control_share: float) -> Iterator[tuple[float, int]]:
    """Each likely count of the control: its probability, and the fewest that are worse than it."""
    least = 0
    for bad, chance in enumerate(binomial(design.control, control_share)):
        if chance < _LEFT_OUT:
            continue
        least = least_worse(
            design.wave,
            bad,
            design.control,
            level=design.level,
            difference=design.difference,
            start=least,
        )
        yield chance, least
