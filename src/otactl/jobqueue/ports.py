"""The ports of the queue. ``aws`` implements them; tests do so in memory.

Every method raises ``errors.AwsRefused`` when AWS refuses, and ``errors.AwsUnreachable`` when no
answer came within the retry budget, throttling included. A condition that did not hold is not an
error but an answer: another process was faster.
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

#: The table's gate item as it was read; None before the first claim.
Gate: TypeAlias = "Mapping[str, Any] | None"


class ClaimAnswer(StrEnum):
    """The result of a claim."""

    CLAIMED = "CLAIMED"
    #: Another worker claimed it, or it was cancelled.
    GONE = "GONE"
    #: Another request was claimed since the active ones were read: read them again.
    OUTDATED = "OUTDATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRequests:
    """The requests that are being deployed, and the gate they were read behind.

    Attributes:
        gate: Every claim changes it. A claim that names it succeeds only if nothing was claimed
            since.
        malformed: Items among them that are not valid requests.
    """

    gate: Gate
    requests: tuple[JobRequest, ...]
    malformed: tuple[MalformedRequest, ...] = ()


class RequestTable(Protocol):
    """The table of requests."""

    def add(self, requests: Sequence[JobRequest]) -> None:
        """Add new requests. None of them can be deployed before the first exists.

        Raises:
            UserMistake: One of their keys is in use.
        """

    def active(self) -> ActiveRequests:
        """The requests in Deploying, including every claim made before the call."""

    def listed(self, state: RequestState) -> Iterator[JobRequest | MalformedRequest]:
        """The requests of one state in the queue's order, page by page."""

    def find(self, order_keys: Sequence[str]) -> tuple[JobRequest | MalformedRequest, ...]:
        """The requests of these keys that exist, in any state."""

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
        """Move a request to another state; store ``left_open``. Returns whether the guard held."""

    def due(self, now_ms: int) -> Iterator[LeftOpen]:
        """What finished requests left open and must be closed by now, the longest due first."""

    def reschedule(self, left_open: LeftOpen, due_ms: int | None) -> bool:
        """Set a later due time, or None for never. Returns whether the item was unchanged."""

    def quarantine(self, malformed: MalformedRequest, failure: Failure, *, now_ms: int) -> bool:
        """Move an invalid item to Failed, as it is. Returns whether it was there."""


class TargetReader(Protocol):
    """Reads which things a request is for."""

    def targets_of(self, request: JobRequest) -> TargetSet:
        """The request's targets, the things of its groups included.

        Empty if the request's files are unusable: a worker must claim such a request to refuse it.
        """
