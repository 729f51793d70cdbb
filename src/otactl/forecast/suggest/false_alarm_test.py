"""How many runs, and how few alarms in them, show that a healthy fleet hardly trips a criterion."""

from __future__ import annotations

import math

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
