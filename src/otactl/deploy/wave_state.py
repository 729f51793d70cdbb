"""The state of a deployment in waves, without the waves' things, for a resume on another machine.

It has the journal's own entries, and is small for any number of things, except for what a
comparison and verification know of each thing: their boots before the update cannot be read after
it. The names of the things are stored separately (``targeting.deal_again``). What is read back is
not trusted: every number, name and verdict must be one that this plan can have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from otactl.deploy.ending import Ending
from otactl.deploy.journal import Journal, Outcome, Phase, StepState
from otactl.deploy.plan import Plan
from otactl.model.comparison import Comparison
from otactl.model.outcome import RoundResult
from otactl.model.thing_state import ThingState
from otactl.model.verify import ThingVersion, VersionPoll, VersionVerdict
from otactl.model.wave import GateStatus

#: The largest number, in epoch milliseconds: the year 5138.
_MAX_NUMBER = 10**14
KeptNumber = Annotated[int, Field(ge=0, le=_MAX_NUMBER)]
#: Of a ThingVersion what another poll does not show again: ``former``, ``boots_before``,
#: ``ended_ms``, ``succeeded`` and the time of ``first_gone``.
KeptVersion = tuple[str | None, KeptNumber | None, KeptNumber, bool, KeptNumber | None]


class KeptStep(BaseModel, frozen=True, extra="forbid"):
    """The state of one step, and its record if it was done."""

    state: StepState
    record: dict[str, Any] | None = None


class KeptArms(BaseModel, frozen=True, extra="forbid"):
    """The arms of a wave's comparison: the boots of each thing when the wave began."""

    why_not: str
    wave: dict[str, int | None] = {}
    control: dict[str, int | None] = {}


class WaveState(BaseModel, frozen=True, extra="forbid"):
    """The state of a deployment in waves.

    Attributes:
        numbers: Instants and spans, milliseconds, by the journal's names for them.
        filled: The last thing in each group that is being filled, by the wave's number.
        refusals: Why things could not be put into a wave's group, by wave and thing.
        versions: What verification knows of each thing, by wave and thing; see ``with_versions``.
    """

    phase: Phase
    outcome: Outcome | None = None
    failure: str = ""
    numbers: dict[str, KeptNumber] = {}
    filled: dict[int, str] = {}
    refusals: dict[int, dict[str, str]] = {}
    steps: dict[str, KeptStep] = {}
    gates: tuple[GateStatus, ...] = ()
    arms: dict[int, KeptArms] = {}
    comparisons: tuple[Comparison, ...] = ()
    rounds: tuple[RoundResult, ...] = ()
    versions: dict[int, dict[str, KeptVersion]] = {}

    @classmethod
    def of(cls, journal: Journal, plan: Plan) -> Self:
        """The state in a journal of a plan."""
        waves = range(1, len(plan.waves) + 1)
        filled = {number: last for number in waves if (last := journal.filled_until(number))}
        return cls(
            phase=journal.phase,
            outcome=journal.outcome,
            failure=journal.failure or "",
            numbers=journal.numbers,
            filled=filled,
            refusals={number: why for number in filled if (why := journal.fill_refusals(number))},
            steps={
                key: KeptStep(state=state, record=record)
                for key, (state, record) in journal.steps().items()
            },
            gates=journal.gates,
            arms={number: kept for number in waves if (kept := _arms(journal, number))},
            comparisons=tuple(made for number in waves for made in journal.comparisons(number)),
            rounds=journal.rounds,
        )

    def with_versions(self, journal: Journal) -> Self:
        """With what verification knows of each thing: read only when the state is stored."""
        found = {
            number: {name: _kept_version(one) for name, one in known.items()}
            for number in range(1, len(journal.plan.waves) + 1)
            if (known := journal.versions(number))
        }
        return self.model_copy(update={"versions": found})

    @property
    def filling(self) -> tuple[Any, ...]:
        """How far groups are filled: it changes every second, and a minute of it may be lost."""
        return self.filled, self.refusals

    @property
    def substance(self) -> tuple[Any, ...]:
        """What must not be lost, in addition to ``filling``: without what every poll repeats."""
        instants = {name for name in self.numbers if name.startswith("instant/")}
        gates = tuple(
            replace(
                gate,
                at_ms=0,
                reasons=(),
                soak_left_ms=None if gate.soak_left_ms is None else 0,
            )
            for gate in self.gates
        )
        compared = self.arms, self.comparisons
        ended = self.phase, self.outcome, self.failure
        return *ended, self.steps, self.rounds, instants, gates, compared

    def check(self, plan: Plan) -> None:
        """Refuse a state that a deployment of this plan cannot have.

        Raises:
            ValueError: It is not the state of such a deployment.
        """
        waves = dict(enumerate((wave.name for wave in plan.waves), start=1))
        keys = {step.key for step in plan.steps}
        if not self.steps.keys() <= keys:
            raise ValueError(f"it has steps that the plan has not: {self.steps.keys() - keys}")
        if any(waves.get(gate.wave) != gate.name for gate in self.gates):
            raise ValueError("it has a gate of another wave")
        numbers = {*self.filled, *self.refusals, *(result.round for result in self.rounds)}
        numbers |= {*self.arms, *(made.wave for made in self.comparisons), *self.versions}
        if not numbers <= waves.keys():
            raise ValueError("it has a wave that the plan has not")
        for gate in self.gates:
            if gate.ending:
                Ending(gate.ending)
            if not 0 <= gate.at_ms <= _MAX_NUMBER:
                raise ValueError("a gate has no such time")
        for step in plan.jobs.values():
            kept = self.steps.get(step.key)
            if kept is not None and kept.record is not None:
                created_ms = kept.record.get("created_ms", 0)
                if type(created_ms) is not int or not 0 <= created_ms <= _MAX_NUMBER:
                    raise ValueError(f"{step.key} has no such time")

    def enter_into(self, journal: Journal, *, now_ms: int) -> None:
        """Enter it into a new journal of the same plan, whose waves are entered.

        Raises:
            ValueError: It is not the state of such a deployment.
        """
        self.check(journal.plan)
        for key, step in self.steps.items():
            journal.enter(key, step.state, now_ms=now_ms, record=step.record)
        journal.enter_numbers(self.numbers)
        for number, last in self.filled.items():
            journal.enter_filled(number, last, self.refusals.get(number, {}))
        for gate in self.gates:
            journal.enter_gate(gate)
        for number, kept in self.arms.items():
            arms = (_things(kept.wave), _things(kept.control))
            journal.enter_arms(number, arms, kept.why_not)
        for made in self.comparisons:
            journal.enter_comparison(made)
        for number, known in self.versions.items():
            names = set(journal.wave_things(number))
            journal.enter_versions(
                number, (_version(name, one) for name, one in known.items() if name in names)
            )
        for result in self.rounds:
            journal.enter_round(result)
        if self.outcome is not None:
            journal.enter_outcome(self.outcome, self.failure)
        journal.enter_phase(self.phase)


def _kept_version(one: ThingVersion) -> KeptVersion:
    gone_ms = None if one.first_gone is None else one.first_gone.at_ms
    return one.former, one.boots_before, one.ended_ms, one.succeeded, gone_ms


def _version(name: str, kept: KeptVersion) -> ThingVersion:
    """What is known of a thing before the first poll of this process."""
    former, boots_before, ended_ms, succeeded, gone_ms = kept
    gone = None
    if gone_ms is not None:
        gone = VersionPoll(at_ms=gone_ms, state=ThingState(thing_name=name))
    return ThingVersion(
        thing_name=name,
        former=former,
        boots_before=boots_before,
        ended_ms=ended_ms,
        succeeded=succeeded,
        first_gone=gone,
        verdict=VersionVerdict.PENDING if ended_ms and succeeded else None,
    )


def _arms(journal: Journal, number: int) -> KeptArms | None:
    why_not = journal.why_no_arms(number)
    if why_not is None:
        return None
    wave, control = (
        {thing.thing_name: thing.boots for thing in arm} for arm in journal.arms(number)
    )
    return KeptArms(why_not=why_not, wave=wave, control=control)


def _things(arm: Mapping[str, int | None]) -> list[ThingState]:
    return [ThingState(thing_name=name, boots=boots) for name, boots in arm.items()]
