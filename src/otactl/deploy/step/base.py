"""What every step has in common.

A step is a frozen value: it can be printed (``--dry-run``), written to the journal, and read back
by another process. ``do`` and ``undo`` may be repeated at will: a process can be killed between
the call to AWS and the journal's entry, and the next one does the step again. So ``do`` accepts
what an earlier try of the same deployment left behind, and refuses what is somebody else's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from otactl.deploy.consent import Consent
from otactl.deploy.ports import Services
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot

Record = Mapping[str, Any]
Calls = Mapping[str, int]


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


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
    """

    services: Services
    deployment_id: str
    targets: Callable[[], Iterator[str]] = lambda: iter(())
    on_progress: Callable[[int, int], None] = _ignore
    on_snapshot: Callable[[JobSnapshot], None] = _ignore
    on_executions: Callable[[int, Sequence[ThingOutcome]], None] = _ignore
    on_members: Callable[[int, Iterable[str]], None] = _ignore
    not_reached: Callable[[int], Iterator[str]] = lambda _round: iter(())
    on_note: Callable[[str], None] = _ignore
    consent: Consent = Consent.ENDED
    has_deadline: bool = True
    waited_ms: Callable[[], int] = int
    span: Callable[[str], Callable[[], int]] = lambda _name: int


class Step(BaseModel, ABC, frozen=True, extra="forbid"):
    """One step of a plan.

    Attributes:
        undo_calls: The API calls that undo it, by ``service:Operation``.
        check_calls: Those with which ``remains`` looks for it at the end.
        kept_check_calls: What these take more while it is still there on purpose.
    """

    undo_calls: ClassVar[Calls] = {}
    check_calls: ClassVar[Calls] = {}
    kept_check_calls: ClassVar[Calls] = {}

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
    def calls(self) -> Calls:
        """The API calls it takes when all goes well, by ``service:Operation``."""
        return {}

    def do(self, context: StepContext) -> Record:
        """Do it. What is returned goes into the journal.

        Steps of waves and of verification have none: they rest on the whole journal, so the
        executor does them.

        Raises:
            AwsRefused: AWS said no.
            UserMistake: What is there already is not ours.
        """
        raise NotImplementedError(self.key)

    def undo(self, context: StepContext, record: Record | None) -> bool:
        """Undo it, whether it was done, half done or not done at all.

        Args:
            context: What it may use.
            record: What ``do`` returned; None when the process died before it could say.

        Returns:
            Whether there was anything to undo.
        """
        if not self.remains(context, record):
            return False
        self.delete(context)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Look up whether what the step created is still there."""
        return False

    def delete(self, context: StepContext) -> None:
        """Delete what it created, which ``remains`` has just found."""
