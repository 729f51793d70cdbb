"""What the monitor needs of the world, as Protocols; ``aws`` implements them.

Methods raise ``errors.AwsRefused`` when AWS says no and ``errors.AwsUnreachable`` when no answer
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
    """IoT Jobs, as far as looking goes."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none: one call."""
        ...

    def page(self, job_id: str, status: ExecutionStatus | None, token: str | None) -> ExecutionPage:
        """Up to 250 executions, without status details: one call."""
        ...

    def execution(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """The last execution on a thing, with its status details: one call."""
        ...


class AlarmReader(Protocol):
    """CloudWatch alarms, as far as looking goes."""

    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm: one call for up to 100."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Events come from now on."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Events no longer come."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingHeard:
    """A message of a thing that is followed was overheard.

    Attributes:
        words: What it says, for people.
        connected: Whether it says that the thing is connected, or no longer is.
    """

    thing_name: str
    at_ms: int
    words: str
    connected: bool | None = None


#: None asks for a poll, whatever the clock says.
Message: TypeAlias = JobEvent | ExecutionEvent | Connected | Lost | ThingHeard | None


class MessageSource(Protocol):
    """Where a watch receives what it did not ask for."""

    def receive(self, timeout_seconds: float) -> Sequence[Message]:
        """What came in, in that order; waits for the first when there is none yet.

        Returns:
            Nothing when the time is over.

        Raises:
            Interrupted: The user asked to stop.
        """
        ...
