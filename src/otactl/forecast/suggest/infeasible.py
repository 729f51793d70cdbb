"""What keeps a wish from being kept, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from otactl.forecast.suggest.abort_option import MINIMA
from otactl.forecast.suggest.goal import Goal, Setting, TradeOff
from otactl.forecast.suggest.pace_option import FleetEstimate


def too_few(things: int) -> str:
    """So few things that no criterion can be made."""
    return (
        f"the fleet binds: {things} things are too few for an abort criterion to tell a bad image "
        f"from bad luck, which takes {MINIMA[0]} executions; watch them, and cancel by hand"
    )


def too_slow(
    things: int, goal: Goal, good: FleetEstimate, minutes: int, finished_seconds: Sequence[float]
) -> str:
    """No rollout is through in time.

    ``finished_seconds`` has those that are through within the minutes that were looked at.
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
    """Every rollout that is through in time bricks more; ``reached`` is the least of them."""
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
    """In outline in time, but not with bad luck."""
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
        f"bad image and {100 * good.failure_share:.2g}% with a good one; no threshold tells the "
        "two apart without false alarms"
    )
