"""What is worth playing: every rollout in outline, with the criterion that suits it best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from otactl.forecast.suggest.abort_option import AbortOption
from otactl.forecast.suggest.goal import Goal, Setting
from otactl.forecast.suggest.pace_option import Courses, FleetEstimate, follow, rollouts

_MINUTE_SECONDS = 60
#: How many settings of each haste are played.
TRIED = 4
#: Shares of the time there is that a rollout may take in outline, one after the other.
_HASTE = (1.0, 0.75, 0.5)
#: A point of the trade-off curve bricks at most so much of what the point before it does.
_WORTH_A_POINT = 0.8
CURVE_POINTS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A setting and what is expected of it.

    Attributes:
        finished_seconds: Until a healthy fleet has finished.
        bricked: By a bad image, when it is caught late.
        false_alarm: Chance that a healthy fleet trips it, were failures independent.
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
    """One candidate per rollout that finishes, with the criterion that catches soonest.

    The fleets are a healthy one and one with the bad image; a rollout is followed for N minutes.
    """
    options, (good, bad) = rollouts(), fleets
    finished = follow(options, good, things, minutes).finished_minute(good, goal.finish_percent)
    bad_courses = follow(options, bad, things, minutes)
    found = []
    for index, option in enumerate(options):
        if not math.isfinite(finished[index]):
            continue
        notified, abort = _soonest(bad_courses, index, bad, aborts)
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

    What bricks the least takes nearly all of the time there is, and a run of bad luck is late.
    """
    chosen: list[Candidate] = []
    for share in _HASTE:
        latest = share * within_seconds
        quick = [c for c in in_time if c.finished_seconds <= latest and c not in chosen]
        chosen += sorted(quick, key=lambda c: (c.bricked, c.finished_seconds))[:TRIED]
    return chosen


def trade_off(among: Sequence[Candidate]) -> list[Candidate]:
    """What each further bit of time buys: the least bricked among all that are as quick."""
    front: list[Candidate] = []
    for candidate in sorted(among, key=lambda c: (c.finished_seconds, c.bricked)):
        if not front or candidate.bricked < _WORTH_A_POINT * front[-1].bricked:
            front.append(candidate)
    if not front:
        return []
    step = math.ceil(len(front) / CURVE_POINTS)
    return [front[location] for location in sorted({*range(0, len(front), step), len(front) - 1})]


def _soonest(
    courses: Courses, rollout: int, bad: FleetEstimate, aborts: Sequence[AbortOption]
) -> tuple[int, AbortOption]:
    """The criterion that catches the bad image when the fewest things are notified."""

    def notified(abort: AbortOption) -> int:
        minute = courses.executed_minute(rollout, bad, abort.executions)
        return courses.notified_by(rollout, minute) if math.isfinite(minute) else courses.things

    best = min(aborts, key=notified)
    return notified(best), best
