"""The verdict of a comparison: a wave is worse, or not shown worse, or there is no data.

Worse takes two things: a p-value of Fisher's test at or below 0.05 shared among everything that a
deployment compares (Bonferroni: so a deployment that changes nothing is called worse in at most 5%
of all cases), and a difference that matters. It is no data when under 80% of an arm can be read.
"""

from __future__ import annotations

from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    CompareRule,
    ComparisonVerdict,
    OutcomeComparison,
    SoakPoint,
)
from otactl.rules.comparison.fisher import is_worse, p_value
from otactl.rules.comparison.interval import difference_interval
from otactl.rules.comparison.power import Design, visible_difference

#: How often a deployment that changes nothing may be stopped.
FALSE_ALARMS = 0.05
#: Of an arm, the least share that must be readable.
_READABLE = 0.8


def threshold(waves: int, outcomes: int) -> float:
    """The p-value at or below which one look at one outcome is worse.

    Args:
        waves: How many are compared.
        outcomes: How many things are counted in each.
    """
    return FALSE_ALARMS / (waves * len(SoakPoint) * outcomes)


def compare(
    outcome: ComparedOutcome,
    wave: ArmCount,
    control: ArmCount,
    *,
    rule: CompareRule,
    level: float,
) -> OutcomeComparison:
    """Compare two arms by one outcome."""
    if not (_is_readable(wave) and _is_readable(control)):
        return OutcomeComparison(
            outcome=outcome,
            verdict=ComparisonVerdict.NO_DATA,
            wave=wave,
            control=control,
            threshold=level,
        )
    counts = (wave.bad, wave.readable, control.bad, control.readable)
    low, high = difference_interval(*counts)
    least = rule.minimum_difference
    worse = is_worse(*counts, level=level, difference=least)
    design = Design(wave.readable, control.readable, level, least)
    return OutcomeComparison(
        outcome=outcome,
        verdict=ComparisonVerdict.WORSE if worse else ComparisonVerdict.NOT_SHOWN_WORSE,
        wave=wave,
        control=control,
        threshold=level,
        p=p_value(*counts),
        low=low,
        high=high,
        visible=visible_difference(design, control.share),
    )


def _is_readable(arm: ArmCount) -> bool:
    return 0 < arm.readable >= _READABLE * arm.things
