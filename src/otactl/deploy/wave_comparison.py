"""Compares the waves of a deployment with things that were not updated.

Arms are drawn when a wave begins, before its job exists, and written down; so is each comparison
before a gate acts on it. What is drawn, counted and found is decided in ``rules.comparison``;
how arms are read, in ``arm_reading``.
"""

from __future__ import annotations

from collections.abc import Sequence

from otactl.deploy.arm_reading import ArmReader
from otactl.deploy.journal import Journal
from otactl.deploy.plan import Plan
from otactl.deploy.ports import Services
from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    Comparison,
    ComparisonPlan,
    OutcomeComparison,
    SoakPoint,
    WaveComparison,
)
from otactl.model.thing_state import ThingState
from otactl.model.wave import GateRule
from otactl.rules.comparison.arms import (
    MAX_ARM,
    ArmSizes,
    control_candidates,
    control_size,
    count_arm,
)
from otactl.rules.comparison.compare import compare, due_point, threshold
from otactl.rules.waves.membership import in_hash_order

#: At most N things are read for each thing that an arm needs, to find one that is connected.
_READ_PER_THING = 4
_NOTHING_LEFT = "nothing was left without the update, and exceptThings lists too few things"
_BEGAN_ELSEWHERE = "the wave began on another machine, which has what was connected then"
_NOT_DRAWN = "it is a wave of groups, or under half as many things are left without the update"


class WaveComparer:
    """Draws the arms of each wave, and compares them.

    Args:
        plan: Which waves are compared, and how.
        journal: Keeps arms and comparisons.
        services: The world.
    """

    def __init__(self, plan: Plan, journal: Journal, services: Services) -> None:
        self._plan = plan
        self._journal = journal
        self._services = services

    def draw(self, number: int) -> None:
        """Draw the arms of a wave that begins, unless an earlier process did.

        If that process was on another machine, its arms are gone: what is connected by now says
        nothing, since things that went dark would be left out.
        """
        how = self._plan.comparison
        if how is None or number not in how.waves or self._journal.why_no_arms(number) is not None:
            return
        journal, waves = self._journal, len(self._plan.waves)
        if self._services.jobs.describe(self._plan.waves[number - 1].job_id) is not None:
            journal.enter_arms(number, ((), ()), _BEGAN_ELSEWHERE)
            return
        things = journal.wave_things(number)
        later = [
            name for each in range(number + 1, waves + 1) for name in journal.wave_things(each)
        ]
        control = control_candidates(later, journal.wave_things(0), seed=how.seed)
        sizes = ((in_hash_order(things, how.seed), MAX_ARM), (control, control_size(len(things))))
        wave_arm, control_arm = self._reader(how).draw(
            *((names[: _READ_PER_THING * size], size) for names, size in sizes)
        )
        drawn = ArmSizes(wave=len(wave_arm), control=len(control_arm))
        journal.enter_arms(number, (wave_arm, control_arm), drawn.not_compared)

    def _reader(self, how: ComparisonPlan) -> ArmReader:
        return ArmReader(self._services.thing_states, how.source)

    def poll(
        self, number: int, rule: GateRule, *, since_ms: int | None, now_ms: int
    ) -> WaveComparison | None:
        """What is known of a wave's comparison; one that is due is made, and written down.

        Args:
            number: Of the wave.
            rule: Of its gate.
            since_ms: Since when it soaks; None when it does not.
            now_ms: Epoch milliseconds by AWS's clock.

        Returns:
            None when waves are not compared.
        """
        how = self._plan.comparison
        if how is None:
            return None
        required = how.rule.is_required
        if number not in how.waves:
            is_last = number == len(self._plan.waves)
            why = _NOTHING_LEFT if is_last else _NOT_DRAWN
            return WaveComparison(is_required=required, not_compared=why)
        why = self._journal.why_no_arms(number) or ""
        if why:
            return WaveComparison(is_required=required, not_compared=why, lacks_data=True)
        made = self._journal.comparisons(number)
        point = due_point(rule, since_ms, now_ms, made)
        if point is not None:
            self._journal.enter_comparison(self._compare(how, number, point, now_ms))
            made = self._journal.comparisons(number)
        return WaveComparison(made=made, is_required=required)

    def _compare(
        self, how: ComparisonPlan, number: int, point: SoakPoint, now_ms: int
    ) -> Comparison:
        drawn = self._journal.arms(number)
        names = [each.thing_name for arm in drawn for each in arm]
        now = self._reader(how).read(names)

        def counted(arm: Sequence[ThingState], outcome: ComparedOutcome) -> ArmCount:
            return count_arm(arm, now, outcome, maximum_boots=how.maximum_boots)

        level = threshold(len(how.waves), len(how.outcomes))
        outcomes: list[OutcomeComparison] = [
            compare(
                outcome,
                counted(drawn[0], outcome),
                counted(drawn[1], outcome),
                rule=how.rule,
                level=level,
            )
            for outcome in how.outcomes
        ]
        return Comparison(wave=number, point=point, at_ms=now_ms, outcomes=tuple(outcomes))
