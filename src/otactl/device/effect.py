"""What a device wants done. The shell (``fleet``) does it and answers with events.

The order matters: effects are carried out one after another as they were given. A block is thus
written before the map that claims it is saved.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from otactl.device.report import Report
from otactl.device.saved_work import SavedWork
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True)
class AskStartNext:
    """Publish a StartNextPendingJobExecution."""

    token: str


@dataclass(frozen=True, slots=True)
class AskDescribeNext:
    """Publish a DescribeJobExecution of ``$next``."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendUpdate:
    """Publish an UpdateJobExecution."""

    job_id: str
    report: Report
    expected_version: int
    execution_number: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBlocks:
    """Publish a GetStream for these blocks, in ascending order."""

    stream_id: str
    file_id: int
    block_size: int
    blocks: tuple[int, ...]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRange:
    """Get bytes of a presigned URL by HTTP, from the first to the last included."""

    url: str = field(repr=False)
    first_byte: int
    last_byte: int
    token: str


@dataclass(frozen=True, slots=True)
class PrepareSlot:
    """Make the inactive slot ready for an image; ``keep`` what an earlier process wrote there."""

    work: int
    size_bytes: int
    keep: bool


@dataclass(frozen=True, slots=True)
class WriteSlot:
    """Write bytes into the inactive slot."""

    work: int
    offset: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifySlot:
    """Read the inactive slot through and compare it with what the image must be: Verified."""

    work: int
    image: Image


@dataclass(frozen=True, slots=True)
class SwitchSlots:
    """Make the inactive slot the one to boot, and save the work with it, in one act: Switched.

    ``version`` is what the job document says of the image.
    """

    work: int
    sha256: str
    saved: SavedWork
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Reboot:
    """Drop the connection, stay away, come back: Disconnected, Booted, Connected.

    ``work`` is 0 when it belongs to none.
    """

    work: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class FallBack:
    """Boot the image that booted before from now on, as a bootloader does after a failed test."""


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """Publish to the shadows which version runs, and how often the device has booted."""


@dataclass(frozen=True, slots=True)
class GoDark:
    """Lose the connection without a word, for good."""


@dataclass(frozen=True, slots=True)
class CheckBoot:
    """Say what runs now, without a reboot: Booted."""

    work: int


@dataclass(frozen=True, slots=True)
class DropConnection:
    """Lose the connection without a word and stay away: Disconnected, later Connected."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class SaveWork:
    """Keep this for the next process."""

    saved: SavedWork


@dataclass(frozen=True, slots=True)
class ForgetWork:
    """Nothing is in hand any more: keep nothing for the next process, and free the inactive slot.

    With ``keep_former`` that slot is kept, because the device is going to fall back on it.
    """

    keep_former: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """An execution has left the device's hands.

    Attributes:
        status: What the service has on record as far as the device knows; None when the
            execution was taken from it (cancelled, deleted, removed) and nobody said how.
        reason: Why it did not succeed; empty when it did.
        sha256: Of the bytes in the slot, once they were verified.
    """

    job_id: str
    execution_number: int
    status: ExecutionStatus | None
    reason: str = ""
    sha256: str | None = None
    download_ms: int = 0
    received_blocks: int = 0
    retries: int = 0


Effect = (
    AskStartNext
    | AskDescribeNext
    | SendUpdate
    | RequestBlocks
    | FetchRange
    | PrepareSlot
    | WriteSlot
    | VerifySlot
    | SwitchSlots
    | Reboot
    | FallBack
    | ReportVersion
    | GoDark
    | CheckBoot
    | DropConnection
    | SaveWork
    | ForgetWork
    | Finished
)

#: What ends the connection.
CUTTING = (Reboot, DropConnection, GoDark)
