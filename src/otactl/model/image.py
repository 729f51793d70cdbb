"""What a job document says of an image: otactl writes it, a device holds it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from otactl.model.document_format import DocumentFormat
from otactl.model.firmware import SignatureAlgorithm

SIGNATURE_ALGORITHM = SignatureAlgorithm.SHA256_WITH_ECDSA.value
#: GetStream's file ids (botocore ``iot`` FileId).
MAX_FILE_ID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that a job document names.

    Attributes:
        stream_id: The stream to fetch it from; None when only a presigned URL is given.
        url: The presigned URL to fetch it from instead, in the control plane's copy still a
            placeholder. A secret for as long as it is valid, so it is kept out of every ``repr``.
        signature: DER, over the whole image, by ``signature_algorithm``.
        document_format: Of the document that named it, which decides how the device reports; of no
            account when one is written.
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
