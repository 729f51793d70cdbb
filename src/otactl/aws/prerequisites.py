"""Creates, for a rehearsal, what a deployment needs in its account: bucket, roles, topics, keys.

Everything here is idempotent, so a rehearsal may be repeated in the same local cloud.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from otactl.aws.clients import AwsClients
from otactl.aws.signing import PLATFORM
from otactl.aws.translate import translated
from otactl.deploy.permissions import firmware_reader_policy, iot_trust_policy
from otactl.model.arn import Arn
from otactl.model.firmware import Signing, SigningSource
from otactl.model.thing_state import VersionSource

#: The one region whose name CreateBucket refuses as a location constraint (S3 API reference).
_REGION_WITHOUT_CONSTRAINT = "us-east-1"
_POLICY_NAME = "otactl-read-firmware"


@translated("s3", {"BucketAlreadyOwnedByYou": None, "BucketAlreadyExists": None})
def make_bucket(clients: AwsClients, bucket: str, region: str) -> None:
    """Create a bucket unless it exists."""
    if region == _REGION_WITHOUT_CONSTRAINT:
        clients.s3.create_bucket(Bucket=bucket)
    else:
        location: Any = {"LocationConstraint": region}
        clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)


@translated("iam", {"EntityAlreadyExists": None})
def make_role(clients: AwsClients, role_arn: str, *, bucket: str, region: str) -> None:
    """Create a service role that reads the images of a bucket, unless it exists."""
    arn = Arn.parse(role_arn)
    path, _, name = arn.resource_name.rpartition("/")
    clients.iam.create_role(
        RoleName=name,
        Path=f"/{path}/" if path else "/",
        AssumeRolePolicyDocument=json.dumps(iot_trust_policy(arn.account, region)),
    )
    clients.iam.put_role_policy(
        RoleName=name,
        PolicyName=_POLICY_NAME,
        PolicyDocument=json.dumps(firmware_reader_policy(bucket, "firmware/*", region=region)),
    )


def make_signing_key(clients: AwsClients, signing: Signing, bucket: str) -> Signing:
    """Create the KMS key or signing profile; a KMS key replaces the one that the file names."""
    match signing.source:
        case SigningSource.KMS:
            return replace(signing, kms_key=_make_kms_key(clients))
        case SigningSource.SIGNER:
            _make_signing_profile(clients, signing.signing_profile or "", bucket)
    return signing


@translated("kms")
def _make_kms_key(clients: AwsClients) -> str:
    made = clients.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["Arn"])


@translated("signer")
def _make_signing_profile(clients: AwsClients, name: str, bucket: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "otactl rehearsal")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    imported = clients.acm.import_certificate(
        Certificate=certificate.public_bytes(Encoding.PEM), PrivateKey=private
    )
    clients.signer.put_signing_profile(
        profileName=name,
        platformId=PLATFORM,
        signingMaterial={"certificateArn": imported["CertificateArn"]},
    )
    clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@translated("sns")
def make_topics(clients: AwsClients, names: Iterable[str]) -> None:
    """Create SNS topics unless they exist."""
    for name in names:
        clients.sns.create_topic(Name=name)


@translated("iot")
def index_things(clients: AwsClients, shadow: str) -> None:
    """Index connections, classic shadows, and a named shadow if one is given."""
    configuration: Any = {
        "thingIndexingMode": "REGISTRY_AND_SHADOW",
        "thingConnectivityIndexingMode": "STATUS",
        "namedShadowIndexingMode": "ON" if shadow else "OFF",
    }
    if shadow:
        configuration["filter"] = {"namedShadowNames": [shadow]}
    clients.iot.update_indexing_configuration(thingIndexingConfiguration=configuration)


@translated("iot")
def give_hardware(
    clients: AwsClients, names: Iterable[str], source: VersionSource, value: str
) -> None:
    """Set the hardware field of things: an attribute, or a reported value of a shadow."""
    keys = source.hardware_path[1:]
    state: Any = value
    for key in (*reversed(keys), "reported", "state"):
        state = {key: state}
    named = {"shadowName": source.shadow} if source.shadow else {}
    for name in names:
        if source.reads_attribute:
            payload: Any = {"attributes": {keys[0]: value}, "merge": True}
            clients.iot.update_thing(thingName=name, attributePayload=payload)
        else:
            clients.iot_data.update_thing_shadow(
                thingName=name, payload=json.dumps(state).encode(), **named
            )


@translated("cloudwatch")
def make_alarms(clients: AwsClients, names: Iterable[str]) -> None:
    """Create alarms that are OK as long as their metric has no data."""
    for name in sorted(names):
        clients.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="otactl",
            MetricName="rehearsal",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        clients.cloudwatch.set_alarm_state(
            AlarmName=name, StateValue="OK", StateReason="a rehearsal begins"
        )
