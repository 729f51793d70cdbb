"""What every step has in common.

A step is a frozen value: it can be printed (``--dry-run``), written to the journal, and read back
by another process. ``do`` and ``undo`` may be repeated: a process can be killed between the call to
AWS and the journal's entry, and the next one does the step again. So ``do`` accepts what an earlier
try of the same deployment left behind, and refuses what the deployment did not create.
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
    """Do nothing with a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step may use while it runs.

    Attributes:
        deployment_id: The deployment of the step; everything created has it.
        targets: Returns the ARNs of the thing list, in order.
        on_progress: Called with the progress of a long step: done, of how many.
        on_snapshot: Called with each poll of the running job.
        on_executions: Called with the final executions of a round, a part at a time.
        on_members: Called with the things that groups of the list have just before a round's job is
            made; they replace those of an earlier try.
        has_members: Whether an earlier try noted such things.
        not_reached: Returns the things of a round that have no execution, by name.
        on_note: Called with a message for the user during a long wait.
        consent: Why ``undo`` may delete a job.
        has_deadline: Whether the deployment's --max-wait counts.
        waited_ms: Returns the time that the step has taken, milliseconds, earlier processes
            included.
        span: Starts a span of time that continues in a process that resumes the step; returns a
            function for the milliseconds since the first call with that name.
    """

    services: Services
    deployment_id: str
    targets: Callable[[], Iterator[str]] = lambda: iter(())
    on_progress: Callable[[int, int], None] = _ignore
    on_snapshot: Callable[[JobSnapshot], None] = _ignore
    on_executions: Callable[[int, Sequence[ThingOutcome]], None] = _ignore
    on_members: Callable[[int, Iterable[str]], None] = _ignore
    has_members: Callable[[int], bool] = lambda _round: False
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
        check_calls: The calls with which ``remains`` checks for it at the end.
        kept_check_calls: Further calls of ``remains`` if it was kept on purpose.
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
        """What the step creates, or None if nothing."""
        return None

    @property
    def calls(self) -> Calls:
        """The API calls it takes if nothing fails, by ``service:Operation``."""
        return {}

    def do(self, context: StepContext) -> Record:
        """Do it. What is returned goes into the journal.

        Steps of waves and of verification do not implement it: they need the whole journal, so the
        executor does them.

        Raises:
            AwsRefused: AWS refused.
            UserMistake: It exists already, and this deployment did not create it.
        """
        raise NotImplementedError(self.key)

    def undo(self, context: StepContext, record: Record | None) -> bool:
        """Undo it, whether it was done, half done or not done at all.

        Args:
            context: What it may use.
            record: What ``do`` returned; None if the process died before that was recorded.

        Returns:
            Whether there was anything to undo.
        """
        if not self.remains(context, record):
            return False
        self.delete(context)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Check whether what the step created still exists."""
        return False

    def delete(self, context: StepContext) -> None:
        """Delete what it created, which ``remains`` has just found."""
