"""A firmware image as the deployment knows it: where it is, its digests, and who signs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One image file, measured once. The digests are lower-case hex of the whole file.

    The manual computes the MD5 in chunks of ``fileChunkSize`` bytes; the result is the plain MD5
    of the file whatever the chunk size (aws-facts M14), so the size only sets how much is read
    at a time.
    """

    path: str
    name: str
    size_bytes: int
    md5: str
    sha256: str

    @property
    def object_key(self) -> str:
        """The image's key in its bucket. It names the content: another image has another key."""
        return f"firmware/{self.sha256}/{self.name}"


class SigningSource(StrEnum):
    """Where the signature comes from."""

    KEY = "key"
    KMS = "kms"
    SIGNER = "signer"


class SignatureAlgorithm(StrEnum):
    """How an image can be signed."""

    SHA256_WITH_ECDSA = "SHA256withECDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How the image is signed; the attribute of the source is set.

    Attributes:
        private_key_path: A PEM file (PKCS#8 or SEC1), or a file with the base64 of one.
        kms_key: The id, ARN or alias of a key in AWS KMS.
        signing_profile: The name of a profile of AWS Signer.
    """

    source: SigningSource = SigningSource.KEY
    private_key_path: str | None = None
    kms_key: str | None = None
    signing_profile: str | None = None
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SHA256_WITH_ECDSA

    @property
    def key_path(self) -> str | None:
        """The private key's file; None if something else signs."""
        return self.private_key_path if self.source is SigningSource.KEY else None
