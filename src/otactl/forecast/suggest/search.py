"""Finds a rollout and an abort criterion that meet a goal, or the reason why there is none.

1. The fleet's behaviour is estimated from samples, with a good and with a bad image.
2. Every rollout is estimated: when a healthy fleet has finished, and how many things are notified
   when the abort criterion stops the bad image. The criterion is the best one that a healthy fleet
   hardly trips.
3. The most promising are played by the engine: with the bad image many times, and those that
   brick few enough also with the good one. The first that meets the goal with a margin is the
   suggestion.
4. If failures come sooner than successes, a healthy fleet trips a criterion more often than
   independent failures would; then criteria for a fleet that fails up to four times as often are
   tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from otactl.forecast.band import Band, quantile
from otactl.forecast.ensemble import Scenario
from otactl.forecast.suggest.candidate import (
    MINIMA,
    Candidate,
    abort_options,
    candidates,
    promising,
    trade_off,
)
from otactl.forecast.suggest.goal import Goal, Setting, Suggestion, TradeOff
from otactl.forecast.suggest.pace_option import FleetEstimate, estimate_fleet
from otactl.forecast.suggest.trial import BAD_RUNS, HealthyTrial, Trial, with_margin

OnStep = Callable[[str, int, int], None]
CURVE_RUNS = 60
#: Multiples of a healthy fleet's failures that the criteria must tolerate, tried in this order.
_CAUTION = (1.0, 1.5, 2.0, 3.0, 4.0)
_MINUTE_SECONDS = 60
#: Rollouts are estimated for this multiple of the goal's time, to show the effect of more time.
_SEARCH_BEYOND = 2
_LONGEST_MINUTES = 20_000


def suggest(scenario: Scenario, goal: Goal, on_step: OnStep | None = None) -> Suggestion:
    """Search for a setting.

    Args:
        scenario: The fleet, the image and the rest of the policy; its rollout and abort criteria
            are ignored.
        goal: The goal.
        on_step: Called with the name of the step, the number done, and the total.
    """
    if scenario.things < MINIMA[0]:
        return Suggestion(goal=goal, binds=too_few(scenario.things))
    return _Search(scenario, goal, on_step or (lambda *_: None)).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """The result of a search with criteria of one caution.

    Attributes:
        outlines: Every candidate, for the trade-off curve.
        proven: The candidate that meets the goal, what it bricked, and the healthy fleet.
        binds: Why the goal is not met, unless it is the limit of bricked things.
        least: If it is that limit, the candidate that bricks the fewest.
        alarming: Whether false alarms are the reason, so that more caution may help.
    """

    outlines: Sequence[Candidate] = ()
    proven: tuple[Candidate, list[float], HealthyTrial] | None = None
    binds: str = ""
    least: Candidate | None = None
    alarming: bool = False


class _Search:
    def __init__(self, scenario: Scenario, goal: Goal, on_step: OnStep) -> None:
        self._scenario = scenario
        self._goal = goal
        self._on_step = on_step
        self._trial = Trial(scenario, goal)
        within = math.ceil(goal.within_seconds / _MINUTE_SECONDS)
        self._minutes = min(_LONGEST_MINUTES, _SEARCH_BEYOND * within + 60)

    def run(self) -> Suggestion:
        self._on_step("estimating the fleet's behaviour", 0, 2)
        good = estimate_fleet(self._scenario, self._minutes)
        worse = self._scenario.profile.with_failure_rate(self._goal.failure_rate)
        bad = estimate_fleet(replace(self._scenario, profile=worse), self._minutes)
        rounds: list[_Round] = []
        for caution in _CAUTION:
            rounds.append(self._search(good, bad, caution))
            if rounds[-1].proven is not None:
                return self._reported(rounds[-1])
            if not rounds[-1].alarming:
                break
        # The reason without extra caution explains the most.
        return self._reported(rounds[0])

    def _search(self, good: FleetEstimate, bad: FleetEstimate, caution: float) -> _Round:
        share = min(1.0, caution * good.failure_share)
        things = self._scenario.things
        aborts = abort_options(share, bad.failure_share, things, self._goal)
        if not aborts:
            return _Round(binds=no_criterion(good, bad))
        self._on_step("estimating rollouts", 1, 2)
        outlines = candidates(things, self._goal, (good, bad), aborts, self._minutes)
        within = self._goal.within_seconds
        in_time = [c for c in outlines if c.finished_seconds <= within]
        if not in_time:
            times = [candidate.finished_seconds for candidate in outlines]
            binds = too_slow(things, self._goal, good, self._minutes, times)
            return _Round(outlines=outlines, binds=binds)
        return self._play(outlines, promising(in_time, within))

    def _play(self, outlines: Sequence[Candidate], chosen: Sequence[Candidate]) -> _Round:
        least: tuple[float, Candidate] | None = None
        failed: tuple[Candidate, HealthyTrial] | None = None
        for done, candidate in enumerate(chosen):
            self._on_step("playing the most promising", done, len(chosen))
            bricked = self._trial.bricked_until_over(candidate.setting)
            if with_margin(bricked) > self._goal.max_bricked:
                middle = quantile(bricked, 0.5)
                if least is None or middle < least[0]:
                    least = middle, candidate
                continue
            healthy = self._trial.healthy(candidate.setting)
            if not healthy.too_many_alarms and healthy.reached_seconds <= self._goal.within_seconds:
                return _Round(outlines=outlines, proven=(candidate, bricked, healthy))
            if failed is None or _late(healthy) < _late(failed[1]):
                failed = candidate, healthy
        if failed is None:
            return _Round(outlines=outlines, least=least[1] if least else None)
        candidate, healthy = failed
        if healthy.too_many_alarms:
            binds = too_alarming(candidate.setting, healthy.alarms, healthy.runs)
        else:
            binds = too_late(self._goal, healthy.reached_seconds)
        return _Round(outlines=outlines, binds=binds, alarming=healthy.too_many_alarms)

    def _reported(self, found: _Round) -> Suggestion:
        curve = self._curve(found.outlines)
        if found.proven is None:
            binds = found.binds
            if found.least is not None:
                reached = with_margin(self._trial.bricked(found.least.setting, BAD_RUNS))
                binds = too_many(reached, self._goal, curve)
            return Suggestion(goal=self._goal, binds=binds, curve=curve)
        candidate, bricked, healthy = found.proven
        return Suggestion(
            goal=self._goal,
            setting=candidate.setting,
            finished_seconds=Band.of(healthy.times),
            bricked=Band.of(bricked),
            false_alarm=candidate.false_alarm,
            curve=curve,
        )

    def _curve(self, outlines: Sequence[Candidate]) -> tuple[TradeOff, ...]:
        points, chosen = [], trade_off(outlines)
        for done, candidate in enumerate(chosen):
            self._on_step("playing the trade-off curve", done, len(chosen))
            bricked = self._trial.bricked(candidate.setting, CURVE_RUNS)
            points.append(
                TradeOff(
                    setting=candidate.setting,
                    finished_seconds=candidate.finished_seconds,
                    bricked=Band.of(bricked),
                )
            )
        return tuple(points)


def _late(healthy: HealthyTrial) -> float:
    """How late a healthy fleet is when it is late; infinite after too many false alarms."""
    return math.inf if healthy.too_many_alarms else healthy.reached_seconds


# Why no setting meets a goal, in a sentence.


def too_few(things: int) -> str:
    """Too few things for a criterion."""
    return (
        f"the fleet binds: {things} things are too few for an abort criterion, which needs "
        f"{MINIMA[0]} executions to recognise a bad image; watch them, and cancel by hand"
    )


def too_slow(
    things: int, goal: Goal, good: FleetEstimate, minutes: int, finished_seconds: Sequence[float]
) -> str:
    """No rollout finishes in time.

    ``finished_seconds`` has those that finish within ``minutes``.
    """
    percent = goal.finish_percent
    ever = 100 * float(good.finished[-1])
    if ever < percent:
        return (
            f"the fleet binds: within {minutes / 60:.0f} hours only {ever:.1f}% of the things "
            "finish at all, because the others are not connected; ask for less with --finish"
        )
    if not finished_seconds:
        return (
            f"time binds: even at 1,000 per minute {percent:g}% of {things:,} things have not "
            f"finished after {minutes / 60:.0f} hours"
        )
    return (
        f"time binds: the quickest rollout, at up to 1,000 per minute, has {percent:g}% of "
        f"{things:,} things finished after {min(finished_seconds) / 3600:.1f} hours"
    )


def too_many(reached: float, goal: Goal, curve: Sequence[TradeOff]) -> str:
    """Every rollout that finishes in time bricks more; ``reached`` is the least of them."""
    slower = [
        point.finished_seconds
        for point in curve
        if point.bricked.high <= goal.max_bricked and point.finished_seconds > goal.within_seconds
    ]
    more = (
        f"; with about {min(slower) / 3600:.1f} hours there is one that does not"
        if slower
        else "; more time does not help enough"
    )
    return (
        f"the limit of bricked things binds: of all rollouts that finish in time the best "
        f"bricks up to {math.ceil(reached):,}{more}"
    )


def too_late(goal: Goal, reached_seconds: float) -> str:
    """In time by the estimate, but not in every run."""
    percent = f"{goal.finish_percent:g}% of a healthy fleet"
    if not math.isfinite(reached_seconds):
        return f"time binds: {percent} do not finish in every run"
    return f"time binds: {percent} have finished after up to {reached_seconds / 60:.0f} minutes"


def too_alarming(setting: Setting, alarms: int, runs: int) -> str:
    """A healthy fleet trips the criterion."""
    return (
        f"false alarms bind: a healthy fleet trips {setting.criterion.threshold_percentage:g}% in "
        f"{alarms} of the first {runs} runs, because failures come sooner than successes"
    )


def no_criterion(good: FleetEstimate, bad: FleetEstimate) -> str:
    """The bad image fails too little to be distinguished from a good one."""
    return (
        f"the failure rate binds: {100 * bad.failure_share:.2g}% of the executions fail with the "
        f"bad image and {100 * good.failure_share:.2g}% with a good one; no threshold separates "
        "the two without false alarms"
    )
