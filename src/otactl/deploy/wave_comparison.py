"""Compares the waves of a deployment with things that were not updated.

Arms are drawn when a wave begins, before its job exists, and recorded; so is each comparison before
a gate acts on it. ``rules.comparison`` decides what is drawn, counted and found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from otactl.deploy.journal import Journal
from otactl.deploy.ports import Services, ThingStates
from otactl.deploy.state_reading import common_start, pages_of
from otactl.errors import AwsRefused
from otactl.model.comparison import (
    ArmCount,
    ComparedOutcome,
    Comparison,
    ComparisonPlan,
    OutcomeComparison,
    SoakPoint,
    WaveComparison,
)
from otactl.model.fleet_query import CALLS_PER_SECOND, NOT_CONNECTED, PAGE, named_like, query
from otactl.model.thing_state import READS_PER_SECOND, ThingState, VersionSource
from otactl.model.wave import GateRule
from otactl.rules.comparison.arms import (
    MAX_ARM,
    ArmSizes,
    control_candidates,
    control_size,
    count_arm,
    draw,
)
from otactl.rules.comparison.compare import compare, due_point, threshold
from otactl.rules.waves.membership import in_hash_order

#: At most N things are read for each thing that an arm needs, to find one that is connected.
_READ_PER_THING = 4
_NOTHING_LEFT = "nothing was left without the update, and exceptThings lists too few things"
_BEGAN_ELSEWHERE = "the wave began on another machine, which has what was connected then"
_NOT_DRAWN = "it is a wave of groups, or under half as many things are left without the update"


@dataclass(frozen=True, slots=True)
class ArmReader:
    """Reads the arms of the waves of one deployment, in bulk if the index can, else one by one.

    The index selects, the source decides. A control has no group to search by, so one query finds
    the things that are not connected among all with the common name prefix of the arms; these are
    far fewer than the connected ones. They are read at the source one by one. The others count as
    connected: the index lags behind, equally for both arms.

    The index is used if its pages, 15 a second, take less time than single things, 100 a second.
    No query can compare the boots of a thing with its earlier boots: if boots are compared, things
    are read one by one.

    Attributes:
        source: Where things report their boots; None if boots are not compared.
    """

    states: ThingStates
    source: VersionSource | None

    def draw(self, *arms: tuple[Sequence[str], int]) -> tuple[tuple[ThingState, ...], ...]:
        """The first connected things of each arm.

        Args:
            arms: For each arm its candidates in order, and how many to draw.
        """
        names = list(chain.from_iterable(candidates for candidates, _ in arms))
        away = self._away(names, sum(min(len(candidates), size) for candidates, size in arms))
        return tuple(draw(self._seen(candidates, away), size) for candidates, size in arms)

    def read(self, names: Sequence[str]) -> dict[str, ThingState]:
        """Things as they are now, by name."""
        away = self._away(names, len(names))
        found = {one.thing_name: one for one in self._seen(names, away)}
        if away:
            found |= {one.thing_name: one for one in self._singly(sorted(away))}
        return found

    def _seen(self, names: Sequence[str], away: Collection[str] | None) -> Iterable[ThingState]:
        if away is None:
            return self._singly(names)
        return (ThingState(thing_name=one, is_connected=one not in away) for one in names)

    def _singly(self, names: Sequence[str]) -> Iterable[ThingState]:
        return self.states.read(names, self.source, connectivity=True)

    def _away(self, names: Sequence[str], reads: int) -> set[str] | None:
        """Those that are not connected by the index; None if the index is not faster."""
        if self.source is not None or reads <= PAGE:
            return None
        not_connected = query(named_like(common_start(names)), NOT_CONNECTED)
        try:
            if self.states.index_gap(None):
                return None
            pages = pages_of(self.states.count(not_connected))
            if pages / CALLS_PER_SECOND >= reads / READS_PER_SECOND:
                return None
            found = {one.thing_name for one in self.states.search(not_connected, None)}
        except AwsRefused:
            return None
        return found.intersection(names)


@dataclass(frozen=True, slots=True)
class WaveComparer:
    """Draws the arms of each wave, and compares them."""

    journal: Journal
    services: Services

    def draw(self, number: int) -> None:
        """Draw the arms of a wave that begins, unless an earlier process did.

        If that process was on another machine, its arms are lost: new ones would leave out things
        that went dark since.
        """
        how = self.journal.plan.comparison
        if how is None or number not in how.waves or self.journal.why_no_arms(number) is not None:
            return
        journal, waves = self.journal, len(self.journal.plan.waves)
        if self.services.jobs.describe(self.journal.plan.waves[number - 1].job_id) is not None:
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
        return ArmReader(self.services.thing_states, how.source)

    def poll(
        self, number: int, rule: GateRule, *, since_ms: int | None, now_ms: int
    ) -> WaveComparison | None:
        """The comparisons of a wave; one that is due is made, and recorded.

        The wave soaks since ``since_ms``; None if it does not.

        Returns:
            None if waves are not compared.
        """
        how = self.journal.plan.comparison
        if how is None:
            return None
        required = how.rule.is_required
        if number not in how.waves:
            is_last = number == len(self.journal.plan.waves)
            why = _NOTHING_LEFT if is_last else _NOT_DRAWN
            return WaveComparison(is_required=required, not_compared=why)
        why = self.journal.why_no_arms(number) or ""
        if why:
            return WaveComparison(is_required=required, not_compared=why, lacks_data=True)
        made = self.journal.comparisons(number)
        point = due_point(rule, since_ms, now_ms, made)
        if point is not None:
            self.journal.enter_comparison(self._compare(how, number, point, now_ms))
            made = self.journal.comparisons(number)
        return WaveComparison(made=made, is_required=required)

    def _compare(
        self, how: ComparisonPlan, number: int, point: SoakPoint, now_ms: int
    ) -> Comparison:
        drawn = self.journal.arms(number)
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
