"""Whether a device takes on an image at all: the reasons to answer REJECTED.

REJECTED is never retried by the service (aws-facts D), so it is for what will not get better:
a document this device can do nothing with.
"""

from __future__ import annotations

from otactl.device.job import SIGNATURE_ALGORITHM, Image, Job
from otactl.device.profile import DeviceProfile

#: GetStream takes offsets up to this, in blocks (aws-facts G4).
MAX_STREAM_BLOCKS = 98304


def refusal_of(job: Job, profile: DeviceProfile, *, has_public_key: bool) -> str | None:
    """Why the device cannot take this job on, or None when it can."""
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
    """Why nothing could tell the right image from a wrong one."""
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
