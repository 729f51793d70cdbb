"""Whom the broker trusts, which certificate it shows, and that what it remembers is not stale."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.support.raw_device import PUBACK, raw_device

from otactl.testing import DeviceIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


def policy(effect: str) -> str:
    statement = {"Effect": effect, "Action": "iot:Publish", "Resource": "*"}
    rest = {"Effect": "Allow", "Action": ["iot:Connect", "iot:Receive"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, rest]})


async def test_a_policy_that_changes_holds_for_connections_that_are_open(
    cloud: RunningCloud, clients: AwsClients, make_device: MakeDevice, unique: str
) -> None:
    device = make_device(f"trusted-{unique}")
    topic = f"$aws/things/{device.thing_name}/shadow/get"
    versions = []
    async with raw_device(cloud, device) as client:
        for _ in range(2):
            await client.publish(topic, {}, qos=1)
            await client.next(PUBACK)
        version = clients.iot.create_policy_version(
            policyName=device.thing_name, policyDocument=policy("Deny"), setAsDefault=True
        )
        versions.append(version["policyVersionId"])
        await client.publish(topic, {}, qos=1)
        refused = await client.closed()
    clients.iot.set_default_policy_version(policyName=device.thing_name, policyVersionId="1")
    for version_id in versions:
        clients.iot.delete_policy_version(policyName=device.thing_name, policyVersionId=version_id)

    assert refused


@pytest.fixture
def stranger(clients: AwsClients, unique: str, tmp_path: Path) -> Iterator[DeviceIdentity]:
    """A device whose certificate nobody but itself signed, registered without a CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"stranger-{unique}")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    files = tmp_path / "own.pem", tmp_path / "own.key"
    files[0].write_text(pem)
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    registered = clients.iot.register_certificate_without_ca(certificatePem=pem, status="ACTIVE")
    arn, name_of_policy = registered["certificateArn"], f"stranger-{unique}"
    clients.iot.create_policy(policyName=name_of_policy, policyDocument=policy("Allow"))
    clients.iot.attach_policy(policyName=name_of_policy, target=arn)
    with contextlib.ExitStack() as undo:
        undo.callback(clients.iot.delete_certificate, certificateId=registered["certificateId"])
        undo.callback(
            clients.iot.update_certificate,
            certificateId=registered["certificateId"],
            newStatus="INACTIVE",
        )
        undo.callback(clients.iot.delete_policy, policyName=name_of_policy)
        undo.callback(clients.iot.detach_policy, policyName=name_of_policy, target=arn)
        yield DeviceIdentity(
            thing_name=f"stranger-{unique}",
            certificate_file=str(files[0]),
            private_key_file=str(files[1]),
        )


async def test_a_certificate_registered_without_a_ca_connects(
    cloud: RunningCloud, stranger: DeviceIdentity
) -> None:
    async with raw_device(cloud, stranger) as client:
        await client.publish("hello", {}, qos=1)
        await client.next(PUBACK)


@pytest.mark.parametrize(
    ("ciphers", "kind"),
    [(None, ec.EllipticCurvePublicKey), ("ECDHE-RSA-AES128-GCM-SHA256", rsa.RSAPublicKey)],
)
def test_the_broker_shows_an_elliptic_certificate_and_to_whom_cannot_an_rsa_one(
    *, cloud: RunningCloud, make_device: MakeDevice, unique: str, ciphers: str | None, kind: type
) -> None:
    device = make_device(f"shown-{unique}")
    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    context.load_cert_chain(device.certificate_file, device.private_key_file)
    if ciphers is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    address = (cloud.address.mqtt_host, cloud.address.mqtt_port)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")

    assert isinstance(shown.public_key(), kind)
