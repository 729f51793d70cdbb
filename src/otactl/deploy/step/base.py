"""What every step has in common.

A step is a frozen value: it can be printed (``--dry-run``), written to the journal, and read back
by another process. ``do`` and ``undo`` may be repeated at will: a process can be killed between
the call to AWS and the journal's entry, and the next one does the step again. So ``do`` accepts
what an earlier try of the same deployment left behind, and refuses what is somebody else's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from otactl.deploy.consent import Consent
from otactl.deploy.ports import Services
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot

Record = Mapping[str, Any]


def _no_targets() -> Iterator[str]:
    return iter(())


def _none_missing(_round: int) -> Iterator[str]:
    return iter(())


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


_Part = TypeVar("_Part")


def required(part: _Part | None) -> _Part:
    """A part of the context that every deployment with such a step has.

    Raises:
        LookupError: This one has not.
    """
    if part is None:
        raise LookupError("a step of waves or of verification in a deployment without them")
    return part


class WaveContext(Protocol):
    """What the steps of a deployment in waves need beside the rest."""

    def fill(self, wave: int) -> None:
        """Fill the thing group of a wave to its end."""
        ...

    def draw_arms(self, wave: int) -> None:
        """Draw what a wave will be compared with, before its job exists."""
        ...

    def pass_gate(self, context: StepContext, wave: int) -> Record:
        """Wait until the gate behind a wave says pass or fail, and record which."""
        ...

    def end(self, context: StepContext) -> Record:
        """Stop what is to be stopped, and find out what became of every wave."""
        ...

    def release_groups(self) -> None:
        """Delete the groups of waves of whose jobs nothing is open."""
        ...


class VersionContext(Protocol):
    """What the steps of verification need beside the rest."""

    def note(self, context: StepContext, number: int) -> None:
        """Write down what the things of a wave or a round report before it begins."""
        ...

    def finish(self, context: StepContext) -> None:
        """Wait for the verdicts that are missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step may use while it runs.

    Attributes:
        deployment_id: Whose step it is; everything created carries it.
        targets: The ARNs of the thing list, in order.
        on_progress: Called with how far a long step is: done, of how many.
        on_snapshot: Called with each poll of the running job.
        on_executions: Given what became of the executions of a round, a part at a time.
        on_members: Given the things that groups of the list had when a round's job was made.
        not_reached: The things named for a round that have no execution, by name.
        on_note: Called with what a user should know of a long wait.
        consent: Why ``undo`` may delete a job.
        has_deadline: Whether the deployment's --max-wait counts.
        waited_ms: For how long the step has been under way, milliseconds, the processes before this
            one included.
        span: Begins a span of time that processes which resume the step count on: milliseconds
            since the first call with that name.
        waves: What the steps of waves need; None in a deployment without them.
        versions: What the steps of verification need; None in a deployment without it.
    """

    services: Services
    deployment_id: str
    targets: Callable[[], Iterator[str]] = field(default=_no_targets)
    on_progress: Callable[[int, int], None] = field(default=_ignore)
    on_snapshot: Callable[[JobSnapshot], None] = field(default=_ignore)
    on_executions: Callable[[int, Sequence[ThingOutcome]], None] = field(default=_ignore)
    on_members: Callable[[int, Iterable[str]], None] = field(default=_ignore)
    not_reached: Callable[[int], Iterator[str]] = field(default=_none_missing)
    on_note: Callable[[str], None] = field(default=_ignore)
    consent: Consent = Consent.ENDED
    has_deadline: bool = True
    waited_ms: Callable[[], int] = field(default=int)
    span: Callable[[str], Callable[[], int]] = field(default=lambda _name: int)
    waves: WaveContext | None = None
    versions: VersionContext | None = None


class Step(BaseModel, ABC):
    """One step of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def key(self) -> str:
        """The step's name, unique in its plan."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it does, for people: ``create stream fota_35``."""

    @property
    def resource(self) -> str | None:
        """What is there afterwards that was not before, or None when nothing is."""
        return None

    @property
    def calls(self) -> Mapping[str, int]:
        """The API calls it takes when all goes well, by ``service:Operation``."""
        return {}

    @property
    def undo_calls(self) -> Mapping[str, int]:
        """The API calls that undo it."""
        return {}

    def check_calls(self, *, kept: bool) -> Mapping[str, int]:  # noqa: ARG002
        """The API calls with which ``remains`` looks for it at the end.

        Args:
            kept: Whether it is still there then, on purpose.
        """
        return {}

    @abstractmethod
    def do(self, context: StepContext) -> Record:
        """Do it. What is returned goes into the journal.

        Raises:
            AwsRefused: AWS said no.
            UserMistake: What is there already is not ours.
        """

    def undo(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Undo it, whether it was done, half done or not done at all.

        Args:
            context: What it may use.
            record: What ``do`` returned; None when the process died before it could say.

        Returns:
            Whether there was anything to undo.
        """
        return False

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Look up whether what the step created is still there."""
        return False
