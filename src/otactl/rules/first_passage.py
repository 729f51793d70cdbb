"""The chance that an abort criterion fires on a fleet that fails at a known rate.

Executions end one after another, each failing with the same probability on its own. The criterion
is looked at after each of them from the n-th on, so it fires at the *first* moment the share of
failures reaches the threshold, be it by bad luck. That moment is the first passage of a binomial
walk over a slanted line, and is computed exactly:

With n_k the largest number of executions at which k failures still meet the threshold, the
criterion has not fired up to n_k just when fewer than k have failed by then, for every k. So the
walk is only looked at in n_1 < n_2 < ..., each step a binomial draw, and what has reached the
line is taken out. The chance that it fires later than n is at most exp(-n D) / (1 - exp(-D)),
D being the Kullback-Leibler distance of threshold and rate (Chernoff), which ends the sum.

A threshold very close to the rate would take millions of steps. After a fixed amount of work the
rest is taken from Lundberg's inequality: from a gap of g failures below the line the walk ever
reaches it with a chance of at most exp(-r g), r being the positive root of
E[exp(r (X - threshold))] = 1. The result is then an upper bound, and a close one.
"""

from __future__ import annotations

import math

from otactl.model.job_configuration import AbortCriterion
from otactl.rules.abort import WHOLE, threshold_hundredths
from otactl.rules.comparison.fisher import log_choose

#: Probabilities below this are left out of the sum.
NEGLIGIBLE = 1e-9
#: Multiplications after which the exact sum gives way to the bound; a fraction of a second.
WORK = 2_000_000


def probability_of_firing(criterion: AbortCriterion, failure_rate: float, executions: int) -> float:
    """How likely the criterion fires within N executions.

    Args:
        criterion: Its failure type is not looked at: the rate is that of what it counts.
        failure_rate: The chance of each execution to end in what the criterion counts, 0 to 1.
        executions: How many end in all, retries included.
    """
    threshold = threshold_hundredths(criterion)
    minimum = max(1, criterion.min_number_of_executed_things)
    if executions < minimum or threshold > WHOLE:
        return 0.0
    if failure_rate <= 0 or threshold <= 0:
        return 0.0 if threshold > 0 else 1.0
    if failure_rate >= 1:
        return 1.0
    end = min(executions, _last_that_matters(threshold / WHOLE, failure_rate, minimum))
    return _walk(threshold, minimum, failure_rate, end)


def _walk(threshold: int, minimum: int, rate: float, end: int) -> float:
    """Sum what crosses the line between ``minimum`` and ``end`` executions."""
    fired, done, first, work = 0.0, 0, 0, 0
    alive = [1.0]  # the chance of first, first + 1, ... failures so far, the line not reached
    needed = -(-threshold * minimum // WHOLE)
    while True:
        # Up to here `needed` failures meet the threshold; with fewer it has not fired.
        reach = min(end, needed * WHOLE // threshold)
        low, chances = _binomial(reach - done, rate)
        work += len(alive) * len(chances)
        first, alive = first + low, _convolved(alive, chances)
        kept = max(0, needed - first)
        fired += math.fsum(alive[kept:])
        alive, done = alive[:kept], reach
        if done >= end or math.fsum(alive) < NEGLIGIBLE:
            return min(1.0, fired)
        if work > WORK:
            return min(1.0, fired + _bound(first, alive, threshold * done / WHOLE, threshold, rate))
        first, alive = _trimmed(first, alive)
        needed += 1


def _bound(first: int, alive: list[float], line: float, threshold: int, rate: float) -> float:
    """At most this much of what is alive will ever reach the line (Lundberg)."""
    share = threshold / WHOLE
    if share <= rate:
        return math.fsum(alive)
    low, high = 0.0, 1.0
    while _growth(high, share, rate) < 1:
        low, high = high, high * 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _growth(middle, share, rate) < 1 else (low, middle)
    return math.fsum(
        chance * math.exp(-low * max(0.0, line - first - offset))
        for offset, chance in enumerate(alive)
    )


def _growth(exponent: float, share: float, rate: float) -> float:
    """E[exp(r (X - share))] for one execution."""
    return math.exp(-exponent * share) * (1 + rate * math.expm1(exponent))


def _last_that_matters(threshold: float, rate: float, minimum: int) -> int:
    """The number of executions after which firing for the first time is negligible."""
    if threshold <= rate:
        return 1 << 62
    distance = threshold * math.log(threshold / rate)
    if threshold < 1:
        distance += (1 - threshold) * math.log((1 - threshold) / (1 - rate))
    tail = -math.log(NEGLIGIBLE * -math.expm1(-distance))
    return max(minimum, math.ceil(tail / distance))


def _binomial(trials: int, rate: float) -> tuple[int, list[float]]:
    """The chances of the numbers of failures that matter: the first number and the chances."""
    spread = 8 * math.sqrt(trials * rate * (1 - rate)) + 40
    low = max(0, math.floor(trials * rate - spread))
    high = min(trials, math.ceil(trials * rate + spread))
    log_rate, log_rest = math.log(rate), math.log1p(-rate)
    chances = [
        math.exp(log_choose(trials, failed) + failed * log_rate + (trials - failed) * log_rest)
        for failed in range(low, high + 1)
    ]
    while len(chances) > 1 and chances[-1] < NEGLIGIBLE * 1e-6:
        chances.pop()
    return low, chances


def _convolved(alive: list[float], chances: list[float]) -> list[float]:
    total = [0.0] * (len(alive) + len(chances) - 1)
    for offset, chance in enumerate(alive):
        for more, gain in enumerate(chances):
            total[offset + more] += chance * gain
    return total


def _trimmed(first: int, alive: list[float]) -> tuple[int, list[float]]:
    """Leave out numbers of failures too unlikely to matter, at the low end."""
    skip = 0
    while skip < len(alive) - 1 and alive[skip] < NEGLIGIBLE * 1e-6:
        skip += 1
    return first + skip, alive[skip:]
