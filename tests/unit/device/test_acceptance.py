"""What a device refuses before it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otactl.device.job import Job
from otactl.device.profile import DeviceProfile
from otactl.device.verification import refusal_of
from otactl.model.image import Image

IMAGE = Image(size_bytes=1000, stream_id="s", md5="0" * 32)
SIGNED = replace(IMAGE, signature=b"\x30")
STRICT = DeviceProfile(require_signature=True)


def _refusal(
    image: Image | None, profile: DeviceProfile | None = None, *, has_key: bool = False
) -> str | None:
    job = Job(job_id="j", image=image, refusal="unknown command 'x'" if image is None else "")
    return refusal_of(job, profile or DeviceProfile(), has_public_key=has_key)


def test_a_document_with_a_digest_is_good_enough() -> None:
    assert _refusal(IMAGE) is None
    assert _refusal(replace(IMAGE, md5=None, sha256="0" * 64)) is None
    assert _refusal(SIGNED) is None


def test_a_document_that_could_not_be_read_says_why() -> None:
    assert _refusal(None) == "unknown command 'x'"


def test_an_image_larger_than_a_slot_is_refused_before_a_byte_is_asked_for() -> None:
    # The size is the document's word; a huge one must not even become a map of blocks.
    assert _refusal(replace(IMAGE, size_bytes=10**18)) == "the image is larger than a slot"


def test_a_stream_delivers_no_more_than_its_offsets_reach() -> None:
    profile = DeviceProfile(block_size=256)
    long = replace(IMAGE, size_bytes=256 * 98304 + 1)

    assert _refusal(long, profile) == "the image has more blocks than a stream delivers"
    assert _refusal(replace(long, size_bytes=256 * 98304), profile) is None
    assert _refusal(replace(long, url="https://example.com/i"), profile) is None


@pytest.mark.parametrize(
    ("image", "settings", "refusal"),
    [
        (replace(IMAGE, md5=None), {}, "nothing to verify the image against"),
        (IMAGE, {"profile": STRICT, "has_key": True}, "the image is not signed"),
        (SIGNED, {"profile": STRICT}, "no public key to verify the signature with"),
        (replace(SIGNED, md5=None), {}, "no public key to verify the signature with"),
        (
            replace(SIGNED, signature_algorithm="SHA1withRSA"),
            {"has_key": True},
            "the signature algorithm is not supported",
        ),
    ],
)
def test_what_could_not_be_verified_is_not_taken(
    image: Image, settings: dict[str, Any], refusal: str
) -> None:
    assert _refusal(image, **settings) == refusal


def test_a_strict_device_takes_signed_images() -> None:
    assert _refusal(replace(SIGNED, md5=None), STRICT, has_key=True) is None
