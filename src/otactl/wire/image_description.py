"""What a job document says of an image, in whatever dialect."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.document_format import DocumentFormat

SIGNATURE_ALGORITHM = "SHA256withECDSA"
#: GetStream's file ids (botocore ``iot`` FileId).
MAX_FILE_ID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDescription:
    """What a job document says of the image.

    Attributes:
        stream_id: The stream to fetch it from; None when only a presigned URL is given.
        presigned_url: Where to fetch it instead; in the control plane's copy still a placeholder.
        signature: DER, of the whole image, by ``signature_algorithm``.
        document_format: The dialect a document was read in; of no account when one is written.
    """

    file_size: int
    file_id: int = 0
    stream_id: str | None = None
    image_version: str | None = None
    md5: str | None = None
    sha256: str | None = None
    signature: bytes | None = None
    signature_algorithm: str = SIGNATURE_ALGORITHM
    presigned_url: str | None = None
    document_format: DocumentFormat = DocumentFormat.OTACTL
