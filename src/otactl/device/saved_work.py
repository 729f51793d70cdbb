"""The state of the current work on disk, from which a new process resumes it.

The file is not trusted: if it was truncated or edited, the result is None, and the device starts
the download again. The whole image is verified, whatever blocks the file lists.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from otactl.device.report import Report
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWork:
    """The state of one execution.

    Attributes:
        identity: Of the execution, ``Job.identity``.
        content_key: Of the image, ``Image.content_key``; for another image the download restarts.
        received: The map of received blocks, ``BlockMap.to_bytes``.
        download_ms: The time the download has taken so far.
        retries: The number of repeated requests so far.
        report: The verdict, once the slots are switched; sent when the new image runs.
    """

    identity: tuple[str, int, int | None]
    content_key: str
    block_size: int
    received: bytes = b""
    download_ms: int = 0
    retries: int = 0
    report: Report | None = None

    def fits(self, image: Image, block_size: int) -> bool:
        """Whether its blocks are blocks of this image."""
        return (
            self.report is None
            and self.content_key == image.content_key
            and self.block_size == block_size
        )

    def to_fields(self) -> dict[str, Any]:
        """The state as JSON fields."""
        return {
            "jobId": self.identity[0],
            "executionNumber": self.identity[1],
            "queuedAt": self.identity[2],
            "contentKey": self.content_key,
            "blockSize": self.block_size,
            "received": base64.b64encode(self.received).decode(),
            "downloadMs": self.download_ms,
            "retries": self.retries,
            "status": self.report.status.value if self.report else None,
            "details": dict(self.report.details) if self.report else None,
        }

    @classmethod
    def from_fields(cls, fields: Any) -> SavedWork | None:
        """Read the state; None if it is invalid."""
        try:
            status = fields["status"]
            return cls(
                identity=(str(fields["jobId"]), int(fields["executionNumber"]), fields["queuedAt"]),
                content_key=str(fields["contentKey"]),
                block_size=int(fields["blockSize"]),
                received=base64.b64decode(fields["received"], validate=True),
                download_ms=int(fields["downloadMs"]),
                retries=int(fields["retries"]),
                report=Report(ExecutionStatus(status), dict(fields["details"])) if status else None,
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
