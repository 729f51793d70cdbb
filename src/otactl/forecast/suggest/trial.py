"""Plays a setting until it is clear whether it keeps the wish, with the bad image and the good one.

With room to spare, so that the promise holds for other runs as well: of 200 runs the 97.5% quantile
must keep the limit, which bounds the 95% quantile of any other runs at 95% confidence. Of false
alarms there must be so few in N runs that a criterion which trips more often than is allowed
passes one time in twenty at most: for the usual 1%, none in 299. A setting that cannot pass any
more is not played further.
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
#: So likely may a criterion that is too nervous pass by luck.
_LUCKY = 0.05


def alarm_runs(false_alarm: float) -> int:
    """How many quiet runs show that no more than this share of them trips a criterion.

    As many as are worth the while: what is rarer than one in 330 rests on the theory.
    """
    if false_alarm <= 0:
        return MOST_RUNS
    if false_alarm >= 1:
        return FEWEST_RUNS
    wanted = math.ceil(math.log(_LUCKY) / math.log1p(-false_alarm))
    return min(max(wanted, FEWEST_RUNS), MOST_RUNS)


def most_alarms(runs: int, false_alarm: float) -> int:
    """How many of the runs may trip the criterion and still show that no more than this do.

    With N or fewer, a criterion that trips more often than ``false_alarm`` passes one time
    in twenty at most; none at all is asked for where the runs are too few to show it.
    """
    below, count = 0.0, -1
    while below <= _LUCKY and count < runs:
        count += 1
        below += math.comb(runs, count) * false_alarm**count * (1 - false_alarm) ** (runs - count)
    return max(0, count - 1)


BAD_RUNS = 200
#: With the good image, for the time; ``alarm_runs`` says how many for false alarms.
TIMED_RUNS = 100
#: A fleet larger than this is played whole less often, since its times hardly vary; its alarms
#: are looked for among the things it notifies first, which go the same way.
LARGE, TIMED_RUNS_OF_LARGE = 100_000, 60
_MARGIN = 0.975


@dataclass(frozen=True, slots=True)
class HealthyTrial:
    """What a healthy fleet did.

    Attributes:
        times: Seconds until it had finished, ascending, one per run that was not aborted.
        alarms: How many runs tripped the criterion.
        runs: Of how many.
        too_many_alarms: Whether that shows too little.
    """

    times: tuple[float, ...]
    alarms: int
    runs: int
    too_many_alarms: bool

    @property
    def reached_seconds(self) -> float:
        """The time that has to keep the wish."""
        return with_margin(self.times) if self.times else math.inf


@dataclass(frozen=True, slots=True)
class Trial:
    """Plays settings of one scenario for one wish."""

    scenario: Scenario
    goal: Goal

    def bricked(self, setting: Setting, runs: int) -> list[float]:
        """Things bricked by the bad image, ascending, over all the runs."""
        scenario = bad(self.scenario, setting, self.goal, runs)
        return sorted(float(found.bricked) for found in play(scenario))

    def bricked_while_hopeful(self, setting: Setting) -> list[float]:
        """The same, until too many runs brick too many things for the limit to be kept."""
        over, bricked = 0, []
        with closing(plays(bad(self.scenario, setting, self.goal, BAD_RUNS))) as runs:
            for found in runs:
                bricked.append(float(found.bricked))
                over += found.bricked > self.goal.max_bricked
                if over > _most_over(BAD_RUNS):
                    break
        return sorted(bricked)

    def healthy(self, setting: Setting) -> HealthyTrial:
        """Play the healthy fleet until it is clear whether it is in time and stays quiet."""
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
    """Which of N runs, ascending, has to keep a limit for others to keep it 19 times in 20."""
    return quantile(ordered, _MARGIN)


def _most_over(runs: int) -> int:
    """How many runs may be over the limit for the quantile to be kept, at the most."""
    return runs - 1 - math.floor(_MARGIN * (runs + 1) - 1)
