"""What the observers of a deployment are notified of: progress bars, logs, tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.deploy.step import Step
from otactl.model.outcome import RoundResult
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import GateStatus


class Moment(StrEnum):
    """An instant before, in or after one step, in order of time."""

    BEFORE_BEGIN = "BEFORE_BEGIN"
    BEGUN = "BEGUN"
    AFTER_DO = "HAPPENED"
    DONE = "DONE"
    UNDOING = "UNDOING"
    AFTER_UNDO = "UNHAPPENED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True)
class StepMoment:
    """One step at one instant: AFTER_DO is after the calls and before the journal's entry.

    Attributes:
        deleted: At UNDONE, whether something was deleted.
    """

    step: Step
    moment: Moment
    deleted: bool = False


class Observer:
    """Observes a deployment; does nothing: override what to show. No method may raise."""

    def on_step(self, moment: StepMoment) -> None:
        """A step reached its next instant."""

    def on_progress(self, step: Step, done: int, of: int) -> None:
        """A long step made progress."""

    def on_snapshot(self, round_number: int, snapshot: JobSnapshot) -> None:
        """The running job was polled."""

    def on_round(self, result: RoundResult) -> None:
        """A round is over."""

    def on_pause(self, reason: str, seconds: float) -> None:
        """AWS is unreachable; the next try is in N seconds."""

    def on_note(self, message: str) -> None:
        """A message for the user during a long wait."""

    def on_gate(self, status: GateStatus, *, written: bool) -> None:
        """A gate was polled; called before and after the journal records it."""
