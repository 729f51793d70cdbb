"""The abort criteria that are considered: those a healthy fleet does not trip.

For each minimum the lowest threshold is taken at which the chance of a false alarm is small
enough. The chance is exact for independent failures (``rules.first_passage``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from otactl.forecast.suggest.goal import Goal
from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import FailureType
from otactl.rules.first_passage import probability_of_firing

MINIMA = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
#: Half a percent of difference is not worth another threshold.
_STEPS_PER_PERCENT = 2
_WALKS = 400
_CONFIDENCE = 0.95
#: A criterion is made this much quieter than is wanted, so that playing it can show that it is.
_QUIETER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortOption:
    """A criterion, how often a healthy fleet trips it, and how soon a bad one does.

    Attributes:
        false_alarm: Chance that a healthy fleet trips it.
        executions: Executions of a bad fleet that end before it fires, 19 times in 20;
            infinite when it often does not fire at all.
    """

    criterion: AbortCriterion
    false_alarm: float
    executions: float


def abort_options(
    healthy_share: float, bad_share: float, things: int, goal: Goal
) -> list[AbortOption]:
    """One criterion for each minimum for which there is one.

    The shares are of executions that fail, in a healthy fleet and with the bad image.
    """
    found = []
    for minimum in MINIMA:
        if minimum > max(10, things // 4):
            break
        criterion = _lowest(minimum, healthy_share, things, _QUIETER * goal.false_alarm)
        if criterion is None or criterion.threshold_percentage >= 100 * bad_share:
            continue
        found.append(
            AbortOption(
                criterion=criterion,
                false_alarm=probability_of_firing(criterion, healthy_share, things),
                executions=_executions_until(criterion, bad_share, things),
            )
        )
    return [option for option in found if math.isfinite(option.executions)]


def _criterion(percentage: float, minimum: int) -> AbortCriterion:
    return AbortCriterion(
        failure_type=FailureType.ALL,
        threshold_percentage=percentage,
        min_number_of_executed_things=minimum,
    )


def _lowest(
    minimum: int, healthy_share: float, things: int, false_alarm: float
) -> AbortCriterion | None:
    """The lowest threshold that is quiet enough; a higher one is quieter, so by bisection."""
    low, high = 1, 100 * _STEPS_PER_PERCENT
    if probability_of_firing(_criterion(100, minimum), healthy_share, things) > false_alarm:
        return None
    while low < high:
        middle = (low + high) // 2
        criterion = _criterion(middle / _STEPS_PER_PERCENT, minimum)
        is_silent = probability_of_firing(criterion, healthy_share, things) <= false_alarm
        low, high = (low, middle) if is_silent else (middle + 1, high)
    return _criterion(low / _STEPS_PER_PERCENT, minimum)


def _executions_until(criterion: AbortCriterion, bad_share: float, things: int) -> float:
    """How long a bad fleet walks until it fires, 19 times in 20, by walking."""
    minimum = criterion.min_number_of_executed_things
    length = int(min(things, max(40 * minimum, 4000)))
    generator = np.random.default_rng(1)
    failed = np.cumsum(generator.random((_WALKS, length)) < bad_share, axis=1, dtype=np.int32)
    ended = np.arange(1, length + 1)
    met = (failed * 100 >= criterion.threshold_percentage * ended) & (ended >= minimum)
    first = np.where(met.any(axis=1), met.argmax(axis=1) + 1.0, np.inf)
    return float(np.sort(first)[math.ceil(_CONFIDENCE * _WALKS) - 1])
