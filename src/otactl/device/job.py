"""A job execution on the device."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.image import Image
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job execution, as the service sent it.

    Attributes:
        version_number: Rises with every update; sent back as the expected version.
        queued_at_seconds: Epoch seconds. Differs between a deleted job and a new one with the
            same id, which the manual's rounds create.
        image: The image to install; None if the document could not be read.
        refusal: Why the document could not be read.
    """

    job_id: str
    status: ExecutionStatus = ExecutionStatus.IN_PROGRESS
    execution_number: int = 1
    version_number: int = 1
    queued_at_seconds: int | None = None
    image: Image | None = None
    refusal: str = ""

    @property
    def identity(self) -> tuple[str, int, int | None]:
        """Equal for two messages about the same execution."""
        return self.job_id, self.execution_number, self.queued_at_seconds
