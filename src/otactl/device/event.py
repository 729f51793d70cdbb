"""What can happen to a device. The shell (``fleet``) makes these from messages, files and clocks.

``token`` is the client token of the answered request; an answer with any other token than the
expected one is ignored. ``work`` is the number of the work that an effect belongs to, so that the
end of a slow operation (verifying, switching) is not taken for the end of a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from otactl.device.job import Job
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Connected:
    """The device is connected and its subscriptions are active."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is lost, with all requests and answers in flight."""


@dataclass(frozen=True, slots=True)
class JobAnswered:
    """The answer to start-next or describe ``$next``; ``job`` is None when nothing is pending."""

    token: str | None
    job: Job | None


@dataclass(frozen=True, slots=True)
class JobRefused:
    """Start-next or describe was refused, or its answer could not be read."""

    token: str | None
    code: str


@dataclass(frozen=True, slots=True)
class NextChanged:
    """A notify-next: another execution is first in the queue, or the queue is empty."""

    job: Job | None


@dataclass(frozen=True, slots=True)
class UpdateAccepted:
    """The service accepted a report."""

    token: str | None


@dataclass(frozen=True, slots=True)
class UpdateRejected:
    """The service refused a report; it may send the execution's status and version."""

    token: str | None
    code: str
    current_status: ExecutionStatus | None = None
    current_version: int | None = None


@dataclass(frozen=True, slots=True)
class BlockReceived:
    """One block of a stream arrived."""

    stream_id: str
    file_id: int
    block: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamRefused:
    """The stream service refused a request; some of its refusals carry no token."""

    stream_id: str
    token: str | None
    code: str


@dataclass(frozen=True, slots=True)
class RangeReceived:
    """The bytes of one HTTP range request."""

    token: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RangeFailed:
    """An HTTP range request failed; ``http_status`` is None without a usable answer."""

    token: str
    http_status: int | None


@dataclass(frozen=True, slots=True)
class Verified:
    """The slot was read to its end: its SHA-256, and its fault or None."""

    work: int
    sha256: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Switched:
    """The slots are switched; the next boot runs the new image."""

    work: int


@dataclass(frozen=True, slots=True)
class SlotFailed:
    """A slot could not be prepared, written, read or switched."""

    work: int
    reason: str


@dataclass(frozen=True, slots=True)
class Booted:
    """The device runs again; ``sha256`` is that of the running image in the boot record."""

    work: int
    sha256: str | None


Event = (
    Connected
    | Disconnected
    | JobAnswered
    | JobRefused
    | NextChanged
    | UpdateAccepted
    | UpdateRejected
    | BlockReceived
    | StreamRefused
    | RangeReceived
    | RangeFailed
    | Verified
    | Switched
    | SlotFailed
    | Booted
)
