"""Only the very image passes: by size, digests and signature, each one that is given."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from otactl.device.verification import load_public_key, verify_image
from otactl.model.image import Image

CONTENT = bytes(range(256)) * 40
KEY = ec.generate_private_key(ec.SECP256R1())
IMAGE = Image(
    size_bytes=len(CONTENT),
    md5=hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    signature=KEY.sign(CONTENT, ec.ECDSA(hashes.SHA256())),
)
MD5_ALONE = replace(IMAGE, sha256=None, signature=None)
SIGNATURE_ALONE = replace(IMAGE, md5=None, sha256=None)


@pytest.mark.parametrize("chunk", [1, 1000, 4096, 10**6])
def test_the_image_passes_however_it_is_read(chunk: int) -> None:
    chunks = [CONTENT[start : start + chunk] for start in range(0, len(CONTENT), chunk)]

    verdict = verify_image(chunks, IMAGE, KEY.public_key())

    assert verdict.fault is None
    assert verdict.sha256 == IMAGE.sha256


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (MD5_ALONE, "MD5 mismatch"),
        (replace(IMAGE, md5=None, signature=None), "SHA-256 mismatch"),
        (SIGNATURE_ALONE, "signature mismatch"),
    ],
)
def test_one_flipped_bit_is_found_by_every_check_alone(image: Image, fault: str) -> None:
    for position in (0, 5000, len(CONTENT) - 1):
        altered = bytearray(CONTENT)
        altered[position] ^= 0x10

        verdict = verify_image([bytes(altered)], image, KEY.public_key())

        assert verdict.fault == fault
        assert verdict.sha256 == hashlib.sha256(altered).hexdigest()


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"\0"])
def test_another_size_is_no_image_of_ours(content: bytes) -> None:
    assert verify_image([content], IMAGE, None).fault == "size mismatch"


def test_a_signature_of_another_key_does_not_pass() -> None:
    other = ec.generate_private_key(ec.SECP256R1())

    assert verify_image([CONTENT], IMAGE, other.public_key()).fault == "signature mismatch"


@pytest.mark.parametrize("signature", [b"\x30\x00", b"nonsense", b"\x00" * 70])
def test_a_malformed_signature_does_not_pass(signature: bytes) -> None:
    image = replace(IMAGE, signature=signature)

    assert verify_image([CONTENT], image, KEY.public_key()).fault == "signature mismatch"


@pytest.mark.parametrize("image", [replace(MD5_ALONE, md5=None), replace(SIGNATURE_ALONE)])
def test_what_nothing_can_be_compared_with_does_not_pass(image: Image) -> None:
    # A signature without a key to check it is nothing to compare with.
    assert verify_image([CONTENT], image, None).fault == "nothing to verify the image against"


def test_a_signature_is_left_unchecked_without_a_key_when_there_is_a_digest() -> None:
    image = replace(IMAGE, signature=b"nonsense")

    assert verify_image([CONTENT], image, None).fault is None


def test_a_public_key_is_read() -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    assert verify_image([CONTENT], SIGNATURE_ALONE, load_public_key(pem)).fault is None


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a public key in PEM form"):
        load_public_key(b"nonsense")
    pem = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(ValueError, match="elliptic curve"):
        load_public_key(pem)
