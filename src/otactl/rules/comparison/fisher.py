"""Fisher's exact test of two shares, one-sided: is the first larger than the second?

With the number of bad things in both arms given, the number in the first is hypergeometric if both
have the same share (R. A. Fisher, 1935). So the test is never wrong more often than its level, for
any share and any number of things.

Its power is a sum over every pair of counts, with its probability. Nothing is approximated. Counts
of the control that together are less likely than 1e-10 are left out of the sum, which makes the
power that much smaller, never larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, lgamma, log, log1p

from otactl.model.wave import WHOLE

#: Terms below this part of the sum no longer change it.
_NEGLIGIBLE = 1e-18


#: A visible difference is found with this probability.
VISIBLE = 0.8
_LEFT_OUT = 1e-13
_PRECISION = 1e-4


def log_choose(things: int, taken: int) -> float:
    """The logarithm of the number of ways to take N of the things."""
    return lgamma(things + 1) - lgamma(taken + 1) - lgamma(things - taken + 1)


def p_value(first_bad: int, first: int, second_bad: int, second: int) -> float:
    """The probability of at least ``first_bad`` if both arms have the same share."""
    bad = first_bad + second_bad
    low = max(0, bad - second)
    if first_bad <= low:
        return 1.0
    high = min(first, bad)
    mode = (first + 1) * (bad + 1) // (first + second + 2)
    if first_bad <= mode:
        return 1.0 - sum(_falling(first, second, bad, first_bad - 1, low))
    return sum(_falling(first, second, bad, first_bad, high))


def _falling(first: int, second: int, bad: int, start: int, end: int) -> Iterator[float]:
    """The probabilities from ``start`` away from the mode, until they no longer matter."""
    term = exp(
        log_choose(first, start) + log_choose(second, bad - start) - log_choose(first + second, bad)
    )
    total, at = 0.0, start
    while True:
        yield term
        total += term
        if at == end or term < total * _NEGLIGIBLE:
            return
        if end > start:
            term *= (first - at) * (bad - at) / ((at + 1) * (second - bad + at + 1))
            at += 1
        else:
            term *= at * (second - bad + at) / ((first - at + 1) * (bad - at + 1))
            at -= 1


def is_worse(
    first_bad: int, first: int, second_bad: int, second: int, *, level: float, difference: int
) -> bool:
    """Whether the first arm is worse: p-value at most ``level``, and at least ``difference``.

    ``difference`` is in hundredths of a percent.
    """
    excess = first_bad * second - second_bad * first
    is_large = excess * WHOLE >= difference * first * second
    return is_large and p_value(first_bad, first, second_bad, second) <= level


@dataclass(frozen=True, slots=True)
class Design:
    """A planned comparison: the number of things, and what counts as worse.

    Attributes:
        level: The p-value at or below which it is worse.
        difference: The least difference of shares that is worse, hundredths of a percent.
    """

    wave: int
    control: int
    level: float
    difference: int


def least_worse(design: Design, control_bad: int, *, start: int = 0) -> int:
    """The fewest bad things that make the wave worse; more than it has if no number does.

    The result never falls when the control has more bad things, so a search may start where the
    last one ended.
    """
    at, control, level = max(start, 1), design.control, design.level
    while at <= design.wave and not is_worse(
        at, design.wave, control_bad, control, level=level, difference=design.difference
    ):
        at += 1
    return at


def binomial(things: int, share: float) -> list[float]:
    """The probability of each number of bad things, from 0 to all."""
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
    """The smallest difference that is found with 80%; None if not even the largest is."""
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
    """For each likely bad count of the control, its probability and ``least_worse``."""
    least = 0
    for bad, chance in enumerate(binomial(design.control, control_share)):
        if chance < _LEFT_OUT:
            continue
        least = least_worse(design, bad, start=least)
        yield chance, least
