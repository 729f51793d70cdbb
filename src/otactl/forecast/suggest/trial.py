"""Plays a setting with the bad and the good image until it is clear whether it meets the goal.

With a margin, so that the result holds for other runs as well: the 97.5% quantile of 200 runs must
be within the limit, which bounds the 95% quantile of any other runs at 95% confidence. False alarms
must be so few in N runs that a criterion that trips more often than allowed passes at most one time
in twenty: for the usual 1%, none in 299. Playing ends when a setting can no longer pass.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from otactl.forecast.band import quantile
from otactl.forecast.ensemble import Scenario, play, plays
from otactl.forecast.run_result import RunResult
from otactl.forecast.suggest.goal import Goal, Setting, bad, healthy
from otactl.forecast.summary import finished_seconds

FEWEST_RUNS, MOST_RUNS = 50, 1000
#: The chance with which a criterion with too many false alarms may pass.
_LUCKY = 0.05


def alarm_runs(false_alarm: float) -> int:
    """The number of runs without an alarm that show that at most this share trips a criterion.

    It has an upper limit: that an alarm is rarer than one in 330 is not tested, only computed.
    """
    if false_alarm <= 0:
        return MOST_RUNS
    if false_alarm >= 1:
        return FEWEST_RUNS
    wanted = math.ceil(math.log(_LUCKY) / math.log1p(-false_alarm))
    return min(max(wanted, FEWEST_RUNS), MOST_RUNS)


def most_alarms(runs: int, false_alarm: float) -> int:
    """The number of runs that may trip the criterion and still show at most this share.

    With N or fewer, a criterion that trips more often than ``false_alarm`` passes one time in
    twenty at most; 0 if the runs are too few to show it.
    """
    below, count = 0.0, -1
    while below <= _LUCKY and count < runs:
        count += 1
        below += math.comb(runs, count) * false_alarm**count * (1 - false_alarm) ** (runs - count)
    return max(0, count - 1)


BAD_RUNS = 200
#: Runs with the good image, for the time; ``alarm_runs`` has those for false alarms.
TIMED_RUNS = 100
#: A fleet larger than this is played whole less often, since its times hardly vary; false alarms
#: are then counted in a fleet of this size, whose first things behave in the same way.
LARGE, TIMED_RUNS_OF_LARGE = 100_000, 60
_MARGIN = 0.975


@dataclass(frozen=True, slots=True)
class HealthyTrial:
    """The result of a healthy fleet.

    Attributes:
        times: Seconds until it had finished, ascending, one per run that was not aborted.
        alarms: Runs that tripped the criterion.
        runs: Runs in total.
        too_many_alarms: Whether the alarms exceed the limit.
    """

    times: tuple[float, ...]
    alarms: int
    runs: int
    too_many_alarms: bool

    @property
    def reached_seconds(self) -> float:
        """The time that must meet the goal."""
        return with_margin(self.times) if self.times else math.inf


@dataclass(frozen=True, slots=True)
class Trial:
    """Plays settings of one scenario for one goal."""

    scenario: Scenario
    goal: Goal

    def bricked(self, setting: Setting, runs: int) -> list[float]:
        """Things bricked by the bad image, ascending, over all the runs."""
        scenario = bad(self.scenario, setting, self.goal, runs)
        return sorted(float(found.bricked) for found in play(scenario))

    def bricked_until_over(self, setting: Setting) -> list[float]:
        """The same, but ends when too many runs are over the limit of bricked things."""
        over, bricked = 0, []
        with closing(plays(bad(self.scenario, setting, self.goal, BAD_RUNS))) as runs:
            for found in runs:
                bricked.append(float(found.bricked))
                over += found.bricked > self.goal.max_bricked
                if over > _most_over(BAD_RUNS):
                    break
        return sorted(bricked)

    def healthy(self, setting: Setting) -> HealthyTrial:
        """Play the healthy fleet until it is clear whether it is in time and without alarms."""
        count = alarm_runs(self.goal.false_alarm)
        timed = TIMED_RUNS_OF_LARGE if self.scenario.things > LARGE else TIMED_RUNS
        most = most_alarms(max(count, timed), self.goal.false_alarm)
        late = alarms = played = 0
        times: list[float] = []
        with closing(self._healthy_runs(setting, timed, count - timed)) as runs:
            for found in runs:
                played += 1
                if found.aborted_ms is not None:
                    alarms += 1
                elif played <= timed:
                    times.append(finished_seconds(found, self.goal.finish_percent))
                    late += times[-1] > self.goal.within_seconds
                if alarms > most or late > _most_over(timed):
                    break
        return HealthyTrial(tuple(sorted(times)), alarms, played, alarms > most)

    def _healthy_runs(self, setting: Setting, timed: int, more: int) -> Generator[RunResult]:
        yield from plays(healthy(self.scenario, setting, timed))
        if more > 0:
            things = min(LARGE, self.scenario.things)
            others = replace(self.scenario, things=things, seed=self.scenario.seed + 1)
            yield from plays(healthy(others, setting, more))


def with_margin(ordered: Sequence[float]) -> float:
    """The value of N runs, ascending, that bounds other runs 19 times in 20."""
    return quantile(ordered, _MARGIN)


def _most_over(runs: int) -> int:
    """The number of runs that may be over the limit if the quantile must be within it."""
    return runs - 1 - math.floor(_MARGIN * (runs + 1) - 1)
