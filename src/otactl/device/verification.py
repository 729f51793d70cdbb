"""Whether the bytes in the slot are the image that the job document names.

Size, MD5, SHA-256 and an ECDSA signature (``SHA256withECDSA``: DER, over the whole image, as the
manual's shell chapter makes it) are checked, each one that the document gives. Pure: bytes in,
a verdict out; the shell reads the slot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from otactl.device.job import Image


@dataclass(frozen=True, slots=True)
class ImageVerdict:
    """What the slot holds.

    Attributes:
        sha256: Lower-case hex, of every byte read.
        fault: Why it is not the image; None when it is.
    """

    sha256: str
    fault: str | None


def verify_image(
    chunks: Iterable[bytes], image: Image, public_key: ec.EllipticCurvePublicKey | None
) -> ImageVerdict:
    """Read the image through once and compare it with what it must be.

    Args:
        chunks: The slot's bytes, in order.
        image: What the document says.
        public_key: Whose signature counts; None leaves a signature unchecked.
    """
    size_bytes = 0
    md5 = hashlib.md5(usedforsecurity=False)
    sha256 = hashlib.sha256()
    for chunk in chunks:
        size_bytes += len(chunk)
        md5.update(chunk)
        sha256.update(chunk)
    fault = None
    signed = image.signature is not None and public_key is not None
    if size_bytes != image.size_bytes:
        fault = "size mismatch"
    elif image.md5 is None and image.sha256 is None and not signed and not image.proves_itself:
        # The device refuses such a document before; here it must not pass either.
        fault = "nothing to verify the image against"
    elif image.md5 is not None and md5.hexdigest() != image.md5:
        fault = "MD5 mismatch"
    elif image.sha256 is not None and sha256.hexdigest() != image.sha256:
        fault = "SHA-256 mismatch"
    elif image.signature is not None and public_key is not None:
        fault = _signature_fault(public_key, image.signature, sha256.digest())
    return ImageVerdict(sha256.hexdigest(), fault)


def load_public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Read the public key that signatures are checked with.

    Raises:
        ValueError: It is no public key, or not one of an elliptic curve.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a public key in PEM form: {error}") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key
    raise ValueError("not the public key of an elliptic curve, which SHA256withECDSA needs")


def _signature_fault(
    public_key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes
) -> str | None:
    try:
        public_key.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return "signature mismatch"
    return None
