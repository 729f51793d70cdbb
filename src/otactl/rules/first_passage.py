"""The chance that an abort criterion fires on a fleet that fails at a known rate.

Executions end one after another, each failing with the same probability on its own. The criterion
is checked after each of them from the n-th on, so it fires the *first* time the share of failures
reaches the threshold, even by chance. That is the first passage of a binomial walk over a slanted
line. Its probability is computed exactly:

With n_k the largest number of executions at which k failures still meet the threshold, the
criterion has not fired up to n_k exactly if fewer than k have failed by then, for every k. So only
the points n_1 < n_2 < ... matter: each step between them is a binomial draw, and the paths that
reached the line are removed. The chance that it fires later than n is at most
exp(-n D) / (1 - exp(-D)), with D the Kullback-Leibler distance of threshold and rate (Chernoff);
this bound ends the sum.

A threshold very close to the rate would take millions of steps. After a fixed amount of work the
rest comes from Lundberg's inequality: from g failures below the line the walk ever reaches it with
a chance of at most exp(-r g), with r the positive root of E[exp(r (X - threshold))] = 1. The
result is then a close upper bound.
"""

from __future__ import annotations

import math

from otactl.model.job_configuration import AbortCriterion
from otactl.rules.abort import WHOLE, threshold_hundredths
from otactl.rules.comparison.fisher import log_choose

#: Probabilities below this are left out of the sum.
NEGLIGIBLE = 1e-9
#: Multiplications after which the bound replaces the exact sum; a fraction of a second.
WORK = 2_000_000


def probability_of_firing(criterion: AbortCriterion, failure_rate: float, executions: int) -> float:
    """The probability that the criterion fires within N executions.

    Args:
        criterion: Its failure type is not used: the rate is that of the failures it counts.
        failure_rate: The chance that an execution ends in a failure it counts, 0 to 1.
        executions: How many end in total, retries included.
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
    """The probability of reaching the line between ``minimum`` and ``end`` executions."""
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
    """An upper bound of the part of ``alive`` that ever reaches the line (Lundberg)."""
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
    """The number of executions after which a first firing has a negligible probability."""
    if threshold <= rate:
        return 1 << 62
    distance = threshold * math.log(threshold / rate)
    if threshold < 1:
        distance += (1 - threshold) * math.log((1 - threshold) / (1 - rate))
    tail = -math.log(NEGLIGIBLE * -math.expm1(-distance))
    return max(minimum, math.ceil(tail / distance))


def _binomial(trials: int, rate: float) -> tuple[int, list[float]]:
    """The chances of each number of failures that matters: the first number, and the chances."""
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
    """Drop the lowest numbers of failures while they are too unlikely to matter."""
    skip = 0
    while skip < len(alive) - 1 and alive[skip] < NEGLIGIBLE * 1e-6:
        skip += 1
    return first + skip, alive[skip:]
