"""What the manual's shell scripts refuse before anything exists: documents, names of images."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.e2e.shell import sh, shell_environment

from otactl.aws.inventory import take_inventory

CONTENT = b"firmware" * 1000


@pytest.fixture
def shell(cloud, firmware_bucket):
    return shell_environment(cloud, firmware_bucket)


@pytest.fixture
def folder(tmp_path, clients, firmware_bucket, stream_role_arn, unique):
    """Documents of the user's own, as the manual has them, that fit each other and the image."""
    key = f"69/{unique}/aws `demo`.bin"
    clients.s3.put_object(Bucket=firmware_bucket, Key=key, Body=CONTENT)
    job = {
        "command": "fota",
        "streamId": f"documents-{unique}",
        "fileId": 69,
        "fileSize": len(CONTENT),
        "imageVer": "1",
        "md5sum": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
    }
    stream = {
        "streamId": job["streamId"],
        "files": [{"fileId": 69, "s3Location": {"bucket": firmware_bucket, "key": key}}],
        "roleArn": stream_role_arn,
    }
    (tmp_path / "job.json").write_text(json.dumps(job, indent=4))
    (tmp_path / "stream.json").write_text(json.dumps(stream, indent=4))
    (tmp_path / "things.txt").write_text("arn:aws:iot:us-east-1:123456789012:thing/nobody\n")
    return tmp_path


def start(folder, shell, unique):
    arguments = ("things.txt", f"documents-{unique}", "1", "file://job.json", "stream.json")
    return sh("OtaStressStart.sh", *arguments, f"MyStream-{unique}", folder=folder, env=shell)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("document", "old", "new", "words"),
    [
        ("job.json", '": 8000', '": "8001"', "says fileSize 8001, and the image in S3 has 8000"),
        ("job.json", '"fota",', '"fota"', "job.json is not JSON: Expecting ',' delimiter: line 3"),
        ("stream.json", '"fileId": 69', '"fileId": 70', "asks for file 69, which stream.json"),
        pytest.param("job.json", "documents-", "other-", "correct streamId", marks=SLOW),
        pytest.param("job.json", 'md5sum": "', 'md5sum": "0', "correct md5sum", marks=SLOW),
        pytest.param("job.json", "{", "[{", "job.json is not JSON", marks=SLOW),
        pytest.param("stream.json", "69/", "70/", "an image that is not in S3", marks=SLOW),
        pytest.param("stream.json", '"files"', '"file"', "does not describe a stream", marks=SLOW),
        pytest.param("stream.json", "{", "", "does not describe a stream", marks=SLOW),
        pytest.param("stream.json", "documents-", "a b-", "may only have letters", marks=SLOW),
    ],
)
def test_documents_that_contradict_each_other_or_the_image_create_nothing(
    folder, shell, clients, firmware_bucket, unique, document, old, new, words
):
    before = take_inventory(clients, (firmware_bucket,))
    text = (folder / document).read_text()
    assert old in text
    (folder / document).write_text(text.replace(old, new, 1))

    run = start(folder, shell, unique)

    assert run.returncode == 2, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert take_inventory(clients, (firmware_bucket,)) <= before
    assert not (folder / "results.csv").exists()


def test_documents_that_agree_are_deployed(folder, shell, unique):
    """The things do not exist: AWS refuses the job, which is the first thing that may go wrong."""
    run = start(folder, shell, unique)

    assert run.returncode == 1, run.stderr
    assert "round 1 of 1" in run.stdout
    assert "CreateJob" in run.stderr


def build(folder, shell, stream_role_arn, unique, *, image, key=()):
    arguments = (image, stream_role_arn, f"names-{unique}", *key)
    return sh("OtaEnvBuild.sh", *arguments, folder=folder, env=shell)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"line\nbreak.bin", "line break"),
        pytest.param(b"ends.bin\n", "line break", marks=SLOW),
        pytest.param(b"tab\tstop.bin", "line break", marks=SLOW),
        pytest.param(b"escape\x1b[2J.bin", "control character", marks=SLOW),
        (b"latin-\xe4.bin", "not UTF-8"),
    ],
)
def test_a_name_that_no_document_can_carry_is_refused(
    tmp_path, shell, clients, firmware_bucket, stream_role_arn, unique, name, words
):
    image = name.decode(errors="surrogateescape")
    (tmp_path / image).write_bytes(CONTENT)
    before = take_inventory(clients, (firmware_bucket,))

    run = build(tmp_path, shell, stream_role_arn, unique, image=image)

    assert run.returncode == 2, run.stderr
    assert words in run.stderr
    assert take_inventory(clients, (firmware_bucket,)) <= before
    assert [path.name for path in tmp_path.iterdir()] == [image]


@pytest.mark.parametrize("name", ["-in.bin", pytest.param('"quoted" back\\slash ü', marks=SLOW)])
def test_every_other_name_is_carried_as_it_is(
    tmp_path, shell, clients, firmware_bucket, stream_role_arn, unique, name
):
    image = name + unique
    (tmp_path / image).write_bytes(CONTENT + unique.encode())
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    run = build(
        tmp_path,
        shell,
        stream_role_arn,
        unique,
        image=image,
        key=(base64.b64encode(key).decode(),),
    )

    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "example-job.json").read_text())["signature"]
    (file,) = json.loads((tmp_path / "create-stream.json").read_text())["files"]
    assert file["s3Location"]["key"].endswith(f"/{image}")
    stored = clients.s3.get_object(Bucket=firmware_bucket, Key=file["s3Location"]["key"])
    assert stored["Body"].read() == CONTENT + unique.encode()


def test_a_role_with_a_line_break_is_refused(tmp_path, shell, stream_role_arn, unique):
    (tmp_path / "image.bin").write_bytes(CONTENT)

    run = build(tmp_path, shell, f"{stream_role_arn}\nx", unique, image="image.bin")

    assert run.returncode == 2
    assert "is not the ARN of a role" in run.stderr
