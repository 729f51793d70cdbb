"""Whether the bytes in the slot are the image that the job document names.

Size, MD5, SHA-256 and an ECDSA signature (``SHA256withECDSA``: DER, over the whole image, as the
manual's shell chapter makes it) are checked, each if the document has it. Pure: bytes in, a
verdict out; the shell reads the slot.
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

from otactl.device.job import Job
from otactl.device.profile import DeviceProfile
from otactl.model.image import SIGNATURE_ALGORITHM, Image


@dataclass(frozen=True, slots=True)
class ImageVerdict:
    """The result of a verification.

    Attributes:
        sha256: Of all bytes in the slot, lower-case hex.
        fault: Why they are not the image; None if they are.
    """

    sha256: str
    fault: str | None


def verify_image(
    chunks: Iterable[bytes], image: Image, public_key: ec.EllipticCurvePublicKey | None
) -> ImageVerdict:
    """Read the image once and verify it.

    Args:
        chunks: The slot's bytes, in order.
        image: The image in the document.
        public_key: Checks the signature; None leaves it unchecked.
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
        # The device refuses such a document earlier; it must not pass here either.
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
        ValueError: It is not a public key of an elliptic curve in PEM form.
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


# The service never retries REJECTED (aws-facts D), so a device reports it only for a document that
# it cannot use at all.

#: GetStream takes offsets up to this, in blocks (aws-facts G4).
MAX_STREAM_BLOCKS = 98304


def refusal_of(job: Job, profile: DeviceProfile, *, has_public_key: bool) -> str | None:
    """Why the device must reject this job; None if it can run it."""
    image = job.image
    if image is None:
        return job.refusal or "the document names no image"
    if image.size_bytes > profile.slot_bytes:
        return "the image is larger than a slot"
    blocks = -(-image.size_bytes // profile.block_size)
    if image.url is None and blocks > MAX_STREAM_BLOCKS:
        return "the image has more blocks than a stream delivers"
    return _unverifiable(image, profile, has_public_key=has_public_key)


def _unverifiable(image: Image, profile: DeviceProfile, *, has_public_key: bool) -> str | None:
    """Why the image cannot be verified; None if it can."""
    has_digest = image.md5 is not None or image.sha256 is not None
    if image.signature is None:
        if profile.require_signature:
            return "the image is not signed"
        return None if has_digest or image.proves_itself else "nothing to verify the image against"
    if image.signature_algorithm != SIGNATURE_ALGORITHM:
        return "the signature algorithm is not supported"
    if not has_public_key and (profile.require_signature or not has_digest):
        return "no public key to verify the signature with"
    return None
