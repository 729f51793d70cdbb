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
            placeholder. A secret while it is valid, so it is kept out of every ``repr``.
        signature: DER, over the whole image, by ``signature_algorithm``.
        document_format: Of the document that named it, which decides how the device reports;
            ignored when a document is written.
        proves_itself: Whether the document's digests need not verify the image, because its
            devices verify a signature inside the image.
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
        """A digest of the image's size, digests and signature; its location does not count."""
        parts = (self.size_bytes, self.md5, self.sha256, (self.signature or b"").hex())
        return hashlib.sha256(repr(parts).encode()).hexdigest()
