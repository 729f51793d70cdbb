"""Keys are made once, stay where they are, and are for their owner's eyes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from otactl.errors import LocalResourceMissing
from otactl.fleet.credentials import certificate_request, public_key
from otactl.fleet.store import ThingFiles

if TYPE_CHECKING:
    from pathlib import Path


def test_the_request_is_signed_by_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    files = ThingFiles(tmp_path / "thing")

    request = x509.load_pem_x509_csr(certificate_request("pump:7", files).encode())

    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=pump:7"
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert files.key_file.stat().st_mode & 0o777 == 0o600
    assert public_key(files) == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_key_is_made_once(tmp_path: Path) -> None:
    files = ThingFiles(tmp_path)
    certificate_request("a", files)
    before = files.key_file.read_bytes()

    certificate_request("a", files)

    assert files.key_file.read_bytes() == before


def test_a_name_longer_than_a_common_name_is_cut(tmp_path: Path) -> None:
    # X.520 allows 64 characters, AWS IoT thing names of 128.
    pem = certificate_request("x" * 128, ThingFiles(tmp_path))

    subject = x509.load_pem_x509_csr(pem.encode()).subject
    assert subject.rfc4514_string() == "CN=" + "x" * 64


def test_a_thing_without_a_key_has_no_public_key(tmp_path: Path) -> None:
    assert public_key(ThingFiles(tmp_path)) is None


def test_the_empty_file_of_a_killed_process_is_no_key(tmp_path: Path) -> None:
    files = ThingFiles(tmp_path)
    files.key_file.touch()

    assert public_key(files) is None
    certificate_request("a", files)
    assert public_key(files) is not None
    assert files.key_file.stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    files = ThingFiles(tmp_path)
    files.key_file.write_text("nonsense")

    with pytest.raises(LocalResourceMissing, match=r"key.pem is no private key"):
        certificate_request("a", files)
