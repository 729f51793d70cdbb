"""A plan gets its signature when it is carried out, and only a right one."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support import plan as plans
from tests.support.dev_ini import configuration_of, dev_ini, section

from otactl.deploy.permissions import signing_statements
from otactl.deploy.plan import Plan
from otactl.deploy.signing import STAND_IN, is_signature_of, sign_plan
from otactl.deploy.step import CreateJob, UploadImage, UploadJobDocument
from otactl.errors import AwsRefused, UserMistake
from otactl.model.firmware import Signing
from otactl.model.job_configuration import JobConfiguration

CONTENT = b"firmware"
ARN = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
KMS = dev_ini(section("SIGNING_CONFIG", source="kms", kmsKey=ARN), useSigningConfig="True")
SIGNER = dev_ini(
    section("SIGNING_CONFIG", source="signer", signingProfile="fw"), useSigningConfig="True"
)


def base64_of(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


class MemorySigning:
    """A key in memory, or one that AWS keeps from us."""

    def __init__(self, signed: bytes = CONTENT, refusal: AwsRefused | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._signed, self._refusal = signed, refusal
        self.asked: list[tuple[str, str]] = []

    def public_key(self, signing: Signing) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()

    def sign(self, signing: Signing, *, path: str, sha256: str, bucket: str, folder: str) -> bytes:
        self.asked.append((bucket, folder))
        if self._refusal is not None:
            raise self._refusal
        return self._key.sign(self._signed, ec.ECDSA(hashes.SHA256()))


def a_plan(signature: bytes = STAND_IN) -> Plan:
    text = base64_of(signature)
    document = json.dumps({"signature": text})
    return plans.a_plan_with(
        deployment_id="20261123T120000Z-abcdef",
        signature=text,
        setup=(
            UploadImage(
                bucket="bucket",
                object_key="firmware/x",
                path="x",
                size_bytes=len(CONTENT),
                sha256=hashlib.sha256(CONTENT).hexdigest(),
            ),
            UploadJobDocument(bucket="bucket", object_key="documents/x", document=document),
        ),
        rounds=(
            (
                CreateJob(
                    round=1,
                    job_id="job",
                    targets=(),
                    document=document,
                    configuration=JobConfiguration(),
                    tags={},
                ),
            ),
        ),
        wave_things=(("t1",),),
    )


def test_the_signature_takes_the_stand_ins_place_in_every_document() -> None:
    signing = MemorySigning()
    plan = a_plan()

    signed = sign_plan(plan, configuration_of(KMS), signing)

    image, document, job = signed.steps
    signature = base64.b64decode(signed.signature)
    assert is_signature_of(signature, image.sha256, signing.public_key(Signing()))
    for step in (document, job):
        assert json.loads(step.document) == {"signature": signed.signature}
    assert signing.asked == [("bucket", f"signing/{plan.deployment_id}/")]
    assert signed.wave_things == (("t1",),)
    # What was looked at with `otactl plan --out` is what is deployed.
    assert signed.fingerprint == plan.fingerprint


def test_what_is_no_signature_of_the_image_is_refused() -> None:
    with pytest.raises(UserMistake, match="made is no signature of x"):
        sign_plan(a_plan(), configuration_of(KMS), MemorySigning(signed=b"other"))


def test_a_plan_that_is_signed_or_unsigned_stays_as_it_is() -> None:
    signing = MemorySigning()
    signed = a_plan(b"\x30" * 71)

    assert sign_plan(signed, configuration_of(KMS), signing) is signed
    unsigned = plans.a_plan_with(deployment_id="20261123T120000Z-abcdef", signature="")
    assert sign_plan(unsigned, configuration_of(dev_ini()), signing) is unsigned
    assert signing.asked == []


@pytest.mark.parametrize(
    ("text", "operation", "resource"),
    [
        (KMS, "kms:Sign", ARN),
        (SIGNER, "signer:StartSigningJob", "signer:us-east-1:123456789012:/signing-profiles/fw"),
        (SIGNER, "s3:PutObject", "arn:aws:s3:::ota-bucket/signing/*"),
    ],
)
def test_a_refusal_names_the_line_of_the_policy_that_is_missing(
    text: str, operation: str, resource: str
) -> None:
    refusal = AwsRefused(operation, "AccessDeniedException", "not authorized")

    with pytest.raises(AwsRefused) as caught:
        sign_plan(a_plan(), configuration_of(text), MemorySigning(refusal=refusal))

    assert caught.value.hint is not None
    statement = json.loads(caught.value.hint.removeprefix("allow it: "))
    assert operation in statement["Action"]
    assert resource in statement["Resource"]


def test_another_refusal_is_told_as_it_is() -> None:
    refusal = AwsRefused("kms:Sign", "DisabledException", "is disabled")

    with pytest.raises(AwsRefused) as caught:
        sign_plan(a_plan(), configuration_of(KMS), MemorySigning(refusal=refusal))
    assert caught.value is refusal


def test_least_privilege_names_the_one_key_or_its_alias() -> None:
    (statement,) = signing_statements(configuration_of(KMS))
    assert (statement["Action"], statement["Resource"]) == (["kms:GetPublicKey", "kms:Sign"], ARN)

    alias = KMS.replace(ARN, "alias/fw")
    (statement,) = signing_statements(configuration_of(alias))
    assert statement["Resource"] == "arn:aws:kms:us-east-1:123456789012:key/*"
    assert statement["Condition"] == {"StringEquals": {"kms:RequestAlias": "alias/fw"}}

    key = KMS.replace(ARN, ARN.rpartition("/")[2])
    assert signing_statements(configuration_of(key))[0]["Resource"] == ARN
    own = dev_ini(section("SIGNING_CONFIG", privateKeyPath="k"), useSigningConfig="True")
    assert signing_statements(configuration_of(own)) == []
    assert signing_statements(configuration_of(dev_ini())) == []
