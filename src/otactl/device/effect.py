"""The effects a device asks for. The shell (``fleet``) performs them and answers with events.

The order matters: effects are performed one after another as given. A block is therefore written
before the map that contains it is saved.
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
    """Get bytes of a presigned URL by HTTP, from the first to the last (inclusive)."""

    url: str = field(repr=False)
    first_byte: int
    last_byte: int
    token: str


@dataclass(frozen=True, slots=True)
class PrepareSlot:
    """Prepare the inactive slot for an image; ``keep`` the bytes an earlier process wrote."""

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
    """Read the whole inactive slot and verify it against the image: Verified."""

    work: int
    image: Image


@dataclass(frozen=True, slots=True)
class SwitchSlots:
    """Boot the inactive slot from now on, and save the work, in one atomic write: Switched.

    ``version`` is the image's version in the job document.
    """

    work: int
    sha256: str
    saved: SavedWork
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Reboot:
    """Disconnect, wait, boot, reconnect: Disconnected, Booted, Connected.

    ``work`` is 0 if the reboot belongs to no work.
    """

    work: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class FallBack:
    """Boot the previous image from now on, as a bootloader does after a failed self-test."""


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """Publish the running version and the number of boots to the shadows."""


@dataclass(frozen=True, slots=True)
class GoDark:
    """Break the connection without DISCONNECT, for good."""


@dataclass(frozen=True, slots=True)
class CheckBoot:
    """Report the running image, without a reboot: Booted."""

    work: int


@dataclass(frozen=True, slots=True)
class DropConnection:
    """Break the connection without DISCONNECT and wait: Disconnected, later Connected."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class SaveWork:
    """Save this for the next process."""

    saved: SavedWork


@dataclass(frozen=True, slots=True)
class ForgetWork:
    """The work has ended: delete the saved work, and free the inactive slot.

    With ``keep_former`` the slot is kept, because the device is going to boot it again.
    """

    keep_former: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """An execution has ended for the device.

    Attributes:
        status: The status at the service as far as the device knows; None if the execution was
            cancelled, deleted or removed, and which one is unknown.
        reason: Why it did not succeed; empty if it did.
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

#: The effects that end the connection.
CUTTING = (Reboot, DropConnection, GoDark)
