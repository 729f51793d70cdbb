"""Images signed by AWS KMS and AWS Signer, both really signing in the local cloud."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl, run_program
from tests.e2e.test_least_privilege import make_user

from otactl.aws.prerequisites import make_signing_key
from otactl.aws.signing import AwsSigning
from otactl.deploy.image_file import measure_image
from otactl.deploy.signing import is_signature_of
from otactl.model.firmware import Signing, SigningSource
from otactl.operations.clock import CommandClock

AGENT = "[AFR_OTA_CONFIG]\nfilePath = firmware.bin\ncertificateName = codesign.crt\n"
SOURCES = ("kms", "signer")


def signing_section(signing: Signing) -> str:
    return (
        f"[SIGNING_CONFIG]\nsource = {signing.source}\nkmsKey = {signing.kms_key}\n"
        f"signingProfile = {signing.signing_profile}\n"
    )


def named(source: str, name: str) -> Signing:
    return Signing(
        source=SigningSource(source), kms_key=f"alias/{name}", signing_profile=f"p_{name}"
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_rehearsal_signs_as_aws_would_and_devices_check_it(tmp_path, unique, source):
    deployable = Deployable(
        folder=tmp_path,
        thing_names=["t1", "t2"],
        bucket=f"signed-{unique}",
        role_arn="arn:aws:iam::123456789012:role/ota-stream",
        job_id=f"job-{unique}",
        sections=AGENT + signing_section(named(source, "firmware")),
    )
    path = deployable.write(useSigningConfig=True, documentFormat="otactl, afr_ota")

    run = otactl("rehearse", str(path), "--state-dir", str(tmp_path), "--output", "json")

    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["succeeded"], result["leftovers"]) == (2, [])
    operation = {"kms": "kms:Sign", "signer": "signer:StartSigningJob"}[source]
    assert result["apiCalls"][operation] == 1


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    names = [f"signed-{unique}"]
    clients.iot.create_thing(thingName=names[0])
    return Deployable(
        folder=tmp_path,
        thing_names=names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"signed-{unique}",
        default={"useSigningConfig": True, "cleanUpCfg": False},
    )


def deploy(deployable, cloud, credentials, *arguments):
    state = ("--poll", "0.3", "--state-dir", str(deployable.folder / "state"))
    return run_program(
        "deploy",
        str(deployable.path),
        *state,
        *arguments,
        env=environment(cloud) | credentials,
    )


def objects(clients, bucket, prefix=""):
    found = clients.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
    return found.get("Versions", []) + found.get("DeleteMarkers", [])


@pytest.mark.parametrize("source", SOURCES)
def test_a_user_with_exactly_the_printed_policy_signs_and_leaves_no_copy(
    cloud, clients, deployable, unique, source
):
    signing = make_signing_key(clients, named(source, unique), deployable.bucket)
    deployable.sections = signing_section(signing)
    deployable.write()
    policy = json.loads(otactl("iam", str(deployable.path)).stdout)["user"]
    credentials = make_user(clients, f"{source}-{unique}", policy)
    plan = deployable.folder / "plan.json"
    kept = run_program(
        "plan", str(deployable.path), "--out", str(plan), env=environment(cloud) | credentials
    )
    assert kept.returncode == 0, kept.stderr
    assert not objects(clients, deployable.bucket, "signing/")

    with DeviceLoop(clients, deployable.thing_names):
        # What was looked at is deployed, though no signature is like another.
        run = deploy(deployable, cloud, credentials, "--plan", str(plan))

    assert run.returncode == 0, run.stderr
    document = json.loads(clients.iot.get_job_document(jobId=deployable.job_id)["document"])
    image = measure_image(str(deployable.folder / "image.bin"), piece_bytes=8192)
    key = AwsSigning(clients, CommandClock.of_local_cloud(cloud.address)).public_key(signing)
    assert is_signature_of(base64.b64decode(document["signature"]), image.sha256, key)
    assert not objects(clients, deployable.bucket, "signing/")


@pytest.mark.parametrize(
    ("source", "sid", "operation"),
    [
        ("kms", "SignWithKms", "kms:GetPublicKey"),
        ("signer", "SignWithSigner", "signer:GetSigningProfile"),
        ("signer", "AwaitSigner", "signer:DescribeSigningJob"),
        ("signer", "SeeItsCertificate", "acm:GetCertificate"),
        ("signer", "LendTheImageToSigner", "s3:PutObject"),
    ],
)
def test_a_key_that_may_not_be_used_is_refused_with_the_line_that_is_missing(
    cloud, clients, deployable, unique, source, sid, operation
):
    signing = make_signing_key(clients, named(source, unique), deployable.bucket)
    deployable.sections = signing_section(signing)
    deployable.write()
    policy = json.loads(otactl("iam", str(deployable.path)).stdout)["user"]
    (missing,) = (one for one in policy["Statement"] if one["Sid"] == sid)
    rest = [one for one in policy["Statement"] if one is not missing]
    credentials = make_user(clients, f"{sid}-{unique}", {**policy, "Statement": rest})

    run = deploy(deployable, cloud, credentials)

    assert run.returncode == 3, run.stderr
    assert f"AWS refused {operation}" in run.stderr
    assert f"allow it: {json.dumps(missing)}" in " ".join(run.stderr.split())
    # Nothing was created, and nothing lent stays lent.
    assert not clients.iot.list_jobs(maxResults=250).get("jobs") or deployable.job_id not in {
        job["jobId"] for job in clients.iot.list_jobs(maxResults=250)["jobs"]
    }
    digest = measure_image(str(deployable.folder / "image.bin"), piece_bytes=8192).sha256
    assert not objects(clients, deployable.bucket, f"firmware/{digest}")
    assert not objects(clients, deployable.bucket, "signing/")


def test_a_key_of_another_curve_is_refused_before_it_is_asked_to_sign(
    cloud, clients, deployable, unique
):
    made = clients.kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
    arn = made["KeyMetadata"]["Arn"]
    deployable.sections = signing_section(replace(named("kms", unique), kms_key=arn))
    deployable.write()

    run = deploy(deployable, cloud, {})

    assert run.returncode == 2, run.stderr
    assert "cannot sign images" in run.stderr
    assert "ECC_NIST_P256" in run.stderr


def test_signer_needs_a_versioned_bucket(clients, deployable, cloud, unique):
    deployable.bucket = f"plain-{unique}"
    clients.s3.create_bucket(Bucket=deployable.bucket)
    signing = make_signing_key(clients, named("signer", unique), f"{deployable.bucket}")
    clients.s3.put_bucket_versioning(
        Bucket=deployable.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    deployable.sections = signing_section(signing)
    deployable.write()

    run = deploy(deployable, cloud, {})

    assert run.returncode == 2, run.stderr
    assert "put-bucket-versioning" in run.stderr
    assert not clients.s3.list_objects_v2(Bucket=deployable.bucket).get("Contents")
