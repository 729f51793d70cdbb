"""A job execution as the device holds it, and the image it asks for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from otactl.model.document_format import DocumentFormat
from otactl.model.status import ExecutionStatus

SIGNATURE_ALGORITHM = "SHA256withECDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that a job document names.

    Attributes:
        stream_id: The stream to fetch it from.
        url: The presigned URL to fetch it from instead. A secret for as long as it is valid, so
            it is kept out of every ``repr``.
        signature: DER, over the whole image.
        document_format: Of the document that named it; decides how the device reports.
        proves_itself: Whether the image need not be verified by what the document says, because
            the devices the document is for verify a signature in the image.
    """

    size_bytes: int
    file_id: int = 0
    stream_id: str | None = None
    url: str | None = field(default=None, repr=False)
    version: str | None = None
    md5: str | None = None
    sha256: str | None = None
    signature: bytes | None = None
    signature_algorithm: str = SIGNATURE_ALGORITHM
    document_format: DocumentFormat = DocumentFormat.OTACTL
    proves_itself: bool = False

    @property
    def content_key(self) -> str:
        """What tells two images apart: their size, digests and signature, not where they lie."""
        parts = (self.size_bytes, self.md5, self.sha256, (self.signature or b"").hex())
        return hashlib.sha256(repr(parts).encode()).hexdigest()


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
