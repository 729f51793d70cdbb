"""A file out of the queue uses nothing of the worker's: no key signs, no file is read for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.support.dev_ini import dev_ini, section

from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.trust import Trust
from otactl.model.firmware import SigningSource
from otactl.operations.queue.request_files import read_request

REQUEST = JobRequest(
    job_id="jobId_1",
    order_key="1",
    state=RequestState.DEPLOYING,
    bucket="ota-bucket",
    image=StoredFile(key="release/test.bin"),
    configuration=StoredFile(key="release/dev.ini"),
    thing_list=StoredFile(key="release/thingsList.txt"),
)
FOREIGN = {
    "kms": {"kmsKey": "alias/production"},
    "signer": {"signingProfile": "production"},
    "key": {"privateKeyPath": "/root/.ssh/id_rsa"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test.bin").write_bytes(b"firmware")
    (tmp_path / "thingsList.txt").write_text("arn:aws:iot:us-east-1:123456789012:thing/t1\n")
    return tmp_path


def write(folder: Path, source: str) -> None:
    signing = section("SIGNING_CONFIG", source=source, **FOREIGN[source])
    (folder / "dev.ini").write_text(dev_ini(signing, useSigningConfig="True"))


@pytest.mark.parametrize("source", FOREIGN)
def test_nothing_is_signed_with_the_workers_rights_because_a_file_says_so(
    folder: Path, source: str
) -> None:
    write(folder, source)

    with pytest.raises(UserMistake, match="a worker signs only with a key of its own"):
        read_request(REQUEST, folder, Trust(), now_ms=None)


@pytest.mark.parametrize("source", FOREIGN)
def test_the_workers_own_key_takes_the_place_of_the_one_that_is_named(
    folder: Path, source: str
) -> None:
    write(folder, source)
    own = folder / "own.pem"
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    own.write_bytes(pem)

    limits = Trust(signing_key=own)
    signing = read_request(REQUEST, folder, limits, now_ms=None).configuration.signing

    assert signing is not None
    assert (signing.source, signing.key_path) == (SigningSource.KEY, str(own))


def test_no_former_image_on_the_workers_disk_is_read_where_nothing_rolls_back(folder: Path) -> None:
    """A worker that compared it with the image would tell the writer what the file holds."""
    own = folder / "secret"
    own.write_bytes((folder / "test.bin").read_bytes())
    listed = section("ROLLBACK_CONFIG", imageList=f"1.0: {own}, 1.1: {folder / 'gone'}")
    (folder / "dev.ini").write_text(dev_ini(listed))

    loaded = read_request(REQUEST, folder, Trust(), now_ms=None)

    assert loaded.configuration.rollback.images
    assert loaded.warnings == ()
