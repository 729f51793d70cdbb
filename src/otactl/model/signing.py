"""Who signs an image, and with which key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
        """The private key's file, when that is what signs."""
        return self.private_key_path if self.source is SigningSource.KEY else None
