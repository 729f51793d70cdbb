"""The ports of the monitor, as Protocols; ``aws`` implements them.

Methods raise ``errors.AwsRefused`` when AWS refuses and ``errors.AwsUnreachable`` when no answer
came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from otactl.model.outcome import ExecutionPage, ThingOutcome
from otactl.model.progress import AlarmProgress
from otactl.model.snapshot import JobDescription
from otactl.model.status import ExecutionStatus
from otactl.wire.job_event import ExecutionEvent, JobEvent


class JobReader(Protocol):
    """Read access to IoT Jobs."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None if it is not found: one call."""
        ...

    def page(self, job_id: str, status: ExecutionStatus | None, token: str | None) -> ExecutionPage:
        """Up to 250 executions, without status details: one call."""
        ...

    def execution(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """The last execution of a thing, with its status details: one call."""
        ...


class AlarmReader(Protocol):
    """Read access to CloudWatch alarms."""

    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm: one call for up to 100."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Events begin."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Events have stopped."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingMessage:
    """A message to or from a followed thing.

    Attributes:
        words: What it says, for people.
        connected: Whether the thing is connected; None if the message does not say.
    """

    thing_name: str
    at_ms: int
    words: str
    connected: bool | None = None


#: None requests a poll at once.
Message: TypeAlias = JobEvent | ExecutionEvent | Connected | Lost | ThingMessage | None


class MessageSource(Protocol):
    """The source of a watch's messages."""

    def receive(self, timeout_seconds: float) -> Sequence[Message]:
        """The messages received, in order; waits for the first if there is none yet.

        Returns:
            Nothing after the timeout.

        Raises:
            Interrupted: The user asked to stop.
        """
        ...
