"""What the queue needs of the world. ``aws`` implements it; tests do so in memory.

Every method raises ``errors.AwsRefused`` when AWS says no, and ``errors.AwsUnreachable`` when no
answer came within the retry budget, throttling included. That a condition did not hold is no
error but an answer: somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.target_set import TargetSet
from otactl.jobqueue.transition import Guard

#: What the table holds at its gate, as it stands there; None while nothing was ever claimed.
Gate: TypeAlias = "Mapping[str, Any] | None"


class ClaimAnswer(StrEnum):
    """What came of a claim."""

    CLAIMED = "CLAIMED"
    #: Another worker claimed it, or it was cancelled.
    GONE = "GONE"
    #: Another request was claimed since the active ones were looked at: look again.
    OUTDATED = "OUTDATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRequests:
    """The requests that are being deployed, and the gate they were read behind.

    Attributes:
        gate: What every claim changes. A claim that names it succeeds only when nothing was
            claimed since.
        malformed: What stands among them and is no request.
    """

    gate: Gate
    requests: tuple[JobRequest, ...]
    malformed: tuple[MalformedRequest, ...] = ()


class RequestTable(Protocol):
    """The table of requests."""

    def add(self, requests: Sequence[JobRequest]) -> None:
        """Put new requests in. Until the first of them is there, none can be deployed.

        Raises:
            UserMistake: One of their keys is in use.
        """

    def active(self) -> ActiveRequests:
        """The requests in Deploying, read so that no claim made before is missed."""

    def listed(self, state: RequestState) -> Iterator[JobRequest | MalformedRequest]:
        """The requests of one state in the queue's order, page by page."""

    def find(self, order_keys: Sequence[str]) -> tuple[JobRequest | MalformedRequest, ...]:
        """The requests of these keys, whatever their state; those that exist."""

    def claim(self, before: JobRequest, after: JobRequest, *, gate: Gate) -> ClaimAnswer:
        """Move a pending request to Deploying."""

    def amend(self, before: JobRequest, after: JobRequest, guard: Guard) -> bool:
        """Change a request that stays in its state. Returns whether the guard held."""

    def move(
        self,
        before: JobRequest,
        after: JobRequest,
        guard: Guard,
        left_open: LeftOpen | None = None,
    ) -> bool:
        """Move a request to another state, and keep what it left open. Whether the guard held."""

    def due(self, now_ms: int) -> Iterator[LeftOpen]:
        """What finished requests left open and is to be closed by now, the longest due first."""

    def reschedule(self, left_open: LeftOpen, due_ms: int | None) -> bool:
        """Let it be due later; None: never again. Returns whether it still was as it was read."""

    def quarantine(self, malformed: MalformedRequest, failure: Failure, *, now_ms: int) -> bool:
        """Move an item that is no request to Failed, as it is. Returns whether it was there."""


class TargetReader(Protocol):
    """Knows whom a request is for."""

    def targets_of(self, request: JobRequest) -> TargetSet:
        """The request's targets, the things of its groups included.

        Of a request whose files cannot be used they are none: it must be taken to be refused.
        """
