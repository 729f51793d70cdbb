"""A job execution as the device holds it."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.image import Image
from otactl.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job execution, as the service handed it out.

    Attributes:
        version_number: Rises with every update; sent back as the expected version.
        queued_at_seconds: Epoch seconds. Tells apart two jobs of the same id, one deleted and
            one made anew, which the manual's rounds do.
        image: What to install; None when the document could not be read.
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
        """What makes two messages speak of the same execution."""
        return self.job_id, self.execution_number, self.queued_at_seconds
