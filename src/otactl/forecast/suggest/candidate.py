"""The candidates to play: every rollout by its estimate, with the best criterion for it.

Only abort criteria that a healthy fleet hardly trips are considered: for each minimum the lowest
threshold at which the chance of a false alarm is small enough. The chance is exact for independent
failures (``rules.first_passage``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otactl.forecast.suggest.goal import Goal, Setting
from otactl.forecast.suggest.pace_option import (
    FleetEstimate,
    RolloutEstimates,
    estimate_rollouts,
    rollouts,
)
from otactl.model.job_configuration import AbortCriterion
from otactl.model.status import FailureType
from otactl.rules.first_passage import probability_of_firing

_MINUTE_SECONDS = 60
#: The number of settings that are played for each share of the time.
TRIED = 4
#: Shares of the goal's time that a rollout may take by its estimate, one after the other.
_TIME_SHARES = (1.0, 0.75, 0.5)
#: A point of the trade-off curve bricks at most this share of what the point before it does.
_WORTH_A_POINT = 0.8
CURVE_POINTS = 9
MINIMA = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
#: Half a percent of difference is not worth another threshold.
_STEPS_PER_PERCENT = 2
_WALKS = 400
_CONFIDENCE = 0.95
#: A criterion may have this share of the allowed false alarms, so that trials can prove the limit.
_FALSE_ALARM_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortOption:
    """A criterion, how often a healthy fleet trips it, and how soon a bad image does.

    Attributes:
        false_alarm: Chance that a healthy fleet trips it.
        executions: Executions with the bad image that end before it fires, 19 times in 20;
            infinite if it often does not fire at all.
    """

    criterion: AbortCriterion
    false_alarm: float
    executions: float


def abort_options(
    healthy_share: float, bad_share: float, things: int, goal: Goal
) -> list[AbortOption]:
    """One criterion for each minimum, if there is one.

    The shares are of executions that fail, in a healthy fleet and with the bad image.
    """
    found = []
    for minimum in MINIMA:
        if minimum > max(10, things // 4):
            break
        criterion = _lowest(minimum, healthy_share, things, _FALSE_ALARM_SHARE * goal.false_alarm)
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
    """The lowest threshold with few enough false alarms, by bisection."""
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
    """The executions with the bad image until it fires, 19 times in 20, by random walks."""
    minimum = criterion.min_number_of_executed_things
    length = int(min(things, max(40 * minimum, 4000)))
    generator = np.random.default_rng(1)
    failed = np.cumsum(generator.random((_WALKS, length)) < bad_share, axis=1, dtype=np.int32)
    ended = np.arange(1, length + 1)
    met = (failed * 100 >= criterion.threshold_percentage * ended) & (ended >= minimum)
    first = np.where(met.any(axis=1), met.argmax(axis=1) + 1.0, np.inf)
    return float(np.sort(first)[math.ceil(_CONFIDENCE * _WALKS) - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A setting and its estimates.

    Attributes:
        finished_seconds: Until a healthy fleet has finished.
        bricked: Things that a bad image bricks if it is stopped late.
        false_alarm: Chance that a healthy fleet trips it, if failures are independent.
    """

    setting: Setting
    finished_seconds: float
    bricked: float
    false_alarm: float


def candidates(
    things: int,
    goal: Goal,
    fleets: tuple[FleetEstimate, FleetEstimate],
    aborts: Sequence[AbortOption],
    minutes: int,
) -> list[Candidate]:
    """One candidate per rollout that finishes, with the criterion that fires soonest.

    The fleets are a healthy one and one with the bad image; a rollout is estimated for N minutes.
    """
    options, (good, bad) = rollouts(), fleets
    good_rollouts = estimate_rollouts(options, good, things, minutes)
    finished = good_rollouts.finished_minute(good, goal.finish_percent)
    bad_rollouts = estimate_rollouts(options, bad, things, minutes)
    found = []
    for index, option in enumerate(options):
        if not math.isfinite(finished[index]):
            continue
        notified, abort = _soonest(bad_rollouts, index, bad, aborts)
        found.append(
            Candidate(
                setting=Setting(rollout=option, criterion=abort.criterion),
                finished_seconds=float(finished[index]) * _MINUTE_SECONDS,
                bricked=notified * bad.bricked_share,
                false_alarm=abort.false_alarm,
            )
        )
    return found


def promising(in_time: Sequence[Candidate], within_seconds: float) -> list[Candidate]:
    """Those that brick the least; then those that do so among the quicker and the quickest.

    Those that brick the least take nearly all of the time, and are too late in some runs.
    """
    chosen: list[Candidate] = []
    for share in _TIME_SHARES:
        latest = share * within_seconds
        quick = [c for c in in_time if c.finished_seconds <= latest and c not in chosen]
        chosen += sorted(quick, key=lambda c: (c.bricked, c.finished_seconds))[:TRIED]
    return chosen


def trade_off(among: Sequence[Candidate]) -> list[Candidate]:
    """The least bricked for each time: candidates that brick fewer than all quicker ones."""
    front: list[Candidate] = []
    for candidate in sorted(among, key=lambda c: (c.finished_seconds, c.bricked)):
        if not front or candidate.bricked < _WORTH_A_POINT * front[-1].bricked:
            front.append(candidate)
    if not front:
        return []
    step = math.ceil(len(front) / CURVE_POINTS)
    return [front[location] for location in sorted({*range(0, len(front), step), len(front) - 1})]


def _soonest(
    estimates: RolloutEstimates, rollout: int, bad: FleetEstimate, aborts: Sequence[AbortOption]
) -> tuple[int, AbortOption]:
    """The criterion that stops the bad image when the fewest things are notified."""

    def notified(abort: AbortOption) -> int:
        minute = estimates.executed_minute(rollout, bad, abort.executions)
        return estimates.notified_by(rollout, minute) if math.isfinite(minute) else estimates.things

    best = min(aborts, key=notified)
    return notified(best), best
