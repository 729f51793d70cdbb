"""What the observers of a deployment are notified of: progress bars, logs, tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.deploy.step import Step
from otactl.model.outcome import RoundResult
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import GateStatus


class Moment(StrEnum):
    """An instant around one step, in the order in which they come."""

    BEFORE_BEGIN = "BEFORE_BEGIN"
    BEGUN = "BEGUN"
    AFTER_DO = "HAPPENED"
    DONE = "DONE"
    UNDOING = "UNDOING"
    AFTER_UNDO = "UNHAPPENED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True)
class StepMoment:
    """One step at one instant: HAPPENED is after the calls and before the journal's entry.

    Attributes:
        deleted: At UNDONE, whether there was anything to delete that was ours alone.
    """

    step: Step
    moment: Moment
    deleted: bool = False


class Observer:
    """Observes a deployment, in silence: override what is to be seen. No method may raise."""

    def on_step(self, moment: StepMoment) -> None:
        """A step came a bit further."""

    def on_progress(self, step: Step, done: int, of: int) -> None:
        """A long step is that far."""

    def on_snapshot(self, round_number: int, snapshot: JobSnapshot) -> None:
        """The running job was looked at."""

    def on_round(self, result: RoundResult) -> None:
        """A round is over."""

    def on_pause(self, reason: str, seconds: float) -> None:
        """AWS cannot be reached; the next try is in N seconds."""

    def on_note(self, message: str) -> None:
        """Something a user should know of a long wait."""

    def on_gate(self, status: GateStatus, *, written: bool) -> None:
        """A gate was looked at; before and after that was written into the journal."""
