"""Fisher's exact test of two shares, one-sided: is the first larger than the second?

With the number of bad things in both arms given, the number in the first is hypergeometric if both
have the same share (R. A. Fisher, 1935). Given that, the test is never wrong more often than its
level, whatever the share is and however few things there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, lgamma

from otactl.model.wave import WHOLE

#: Terms below this part of the sum no longer change it.
_NEGLIGIBLE = 1e-18


def log_choose(things: int, taken: int) -> float:
    """The logarithm of the number of ways to take N of the things."""
    return lgamma(things + 1) - lgamma(taken + 1) - lgamma(things - taken + 1)


def p_value(first_bad: int, first: int, second_bad: int, second: int) -> float:
    """How likely at least as many bad ones in the first arm are if both have the same share."""
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
    """The probabilities from a start away from the mode, until they no longer matter."""
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
    """Whether the first arm is worse: its p-value at most the level, and as much as matters.

    The difference that matters is in hundredths of a percent.
    """
    excess = first_bad * second - second_bad * first
    is_large = excess * WHOLE >= difference * first * second
    return is_large and p_value(first_bad, first, second_bad, second) <= level


def least_worse(
    first: int, second_bad: int, second: int, *, level: float, difference: int, start: int = 0
) -> int:
    """The fewest bad things of the first arm that are worse; more than it has if none are.

    It never falls when the second arm has more bad things, so a search may start where the last
    one ended.
    """
    at = max(start, 1)
    while at <= first and not is_worse(
        at, first, second_bad, second, level=level, difference=difference
    ):
        at += 1
    return at
