"""The verdict of a comparison: a wave is worse, or not shown worse, or there is no data.

Worse needs two things: a p-value of Fisher's test at or below 0.05, divided by the number of tests
of a deployment (Bonferroni: so a deployment that changes nothing is called worse in at most 5% of
all cases), and the minimum difference. If under 80% of an arm can be read, there is no data.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import hypot, sqrt

from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    CompareRule,
    Comparison,
    ComparisonVerdict,
    OutcomeComparison,
    SoakPoint,
)
from otactl.model.verify import VerifyRule
from otactl.model.wave import GateRule
from otactl.rules.comparison.fisher import Design, is_worse, p_value, visible_difference

# Each share has Wilson's score interval, the difference Newcombe's combination of the two
# (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10): it stays within -1 and 1, and is
# useful even if no thing was bad.

#: The 97.5% quantile of the normal distribution.
Z_975 = 1.959963984540054


def wilson(bad: int, things: int) -> tuple[float, float]:
    """The 95% interval of one share."""
    share, z2 = bad / things, Z_975 * Z_975
    centre = (share + z2 / (2 * things)) / (1 + z2 / things)
    half = (
        Z_975 * sqrt(share * (1 - share) / things + z2 / (4 * things * things)) / (1 + z2 / things)
    )
    return (0.0 if bad == 0 else centre - half), (1.0 if bad == things else centre + half)


def difference_interval(
    first_bad: int, first: int, second_bad: int, second: int
) -> tuple[float, float]:
    """The 95% interval of the first share minus the second."""
    one, two = first_bad / first, second_bad / second
    (one_low, one_high), (two_low, two_high) = wilson(first_bad, first), wilson(second_bad, second)
    difference = one - two
    return (
        difference - hypot(one - one_low, two_high - two),
        difference + hypot(one_high - one, two - two_low),
    )


#: The share of deployments that change nothing and may be stopped all the same.
FALSE_ALARMS = 0.05
#: The pause after a comparison without data.
_AGAIN_MS = 300_000
#: The least share of an arm that must be readable.
_READABLE = 0.8


def compared_outcomes(verify: VerifyRule | None) -> tuple[ComparedOutcome, ...]:
    """The outcomes to compare: connections, and boots if things report them."""
    counts_boots = verify is not None and verify.source.boot_count_path
    return tuple(ComparedOutcome) if counts_boots else (ComparedOutcome.NOT_CONNECTED,)


def threshold(waves: int, outcomes: int) -> float:
    """The p-value at or below which one test of one outcome is worse."""
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
    found = OutcomeComparison(
        outcome=outcome,
        verdict=ComparisonVerdict.NO_DATA,
        wave=wave,
        control=control,
        threshold=level,
    )
    if not (_is_readable(wave) and _is_readable(control)):
        return found
    counts = (wave.bad, wave.readable, control.bad, control.readable)
    low, high = difference_interval(*counts)
    least = rule.minimum_difference
    worse = is_worse(*counts, level=level, difference=least)
    design = Design(wave.readable, control.readable, level, least)
    return replace(
        found,
        verdict=ComparisonVerdict.WORSE if worse else ComparisonVerdict.NOT_SHOWN_WORSE,
        p=p_value(*counts),
        low=low,
        high=high,
        visible=visible_difference(design, control.share),
    )


def due_point(
    rule: GateRule, since_ms: int | None, now_ms: int, made: Collection[Comparison]
) -> SoakPoint | None:
    """The comparison that is due now, or None.

    Each point has its share of the false alarms, so it is tested once. A comparison without data
    tested nothing: at the end of the soak it is repeated after a pause.

    Args:
        rule: The gate's rule.
        since_ms: Since when the wave soaks; None if it does not.
        now_ms: Epoch milliseconds by AWS's clock.
        made: The wave's comparisons so far.
    """
    if since_ms is None or now_ms < since_ms + rule.soak_ms // 2:
        return None
    last = {one.point: one for one in made}
    if now_ms < since_ms + rule.soak_ms:
        return None if last else SoakPoint.HALF
    end = last.get(SoakPoint.END)
    if end is None:
        return SoakPoint.END
    is_due = end.verdict is ComparisonVerdict.NO_DATA and now_ms >= end.at_ms + _AGAIN_MS
    return SoakPoint.END if is_due else None


def _is_readable(arm: ArmCount) -> bool:
    return 0 < arm.readable >= _READABLE * arm.things
