"""A key that cannot sign images is the user's mistake, also if its kind is unknown here."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.deploy.test_bulk_reading import Body

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.signing import AwsSigning
from otactl.errors import UserMistake
from otactl.model.firmware import Signing, SigningSource
from otactl.operations.clock import CommandClock

#: A public key whose algorithm, 1.2.3.4, no library knows: SEQUENCE {SEQUENCE {OID}, BIT STRING}.
UNKNOWN = bytes.fromhex("300c 3005 0603 2a0304 0303 000102")


@pytest.mark.parametrize("key", [UNKNOWN, b"no key at all"])
def test_a_key_of_an_unknown_kind_is_refused(key: bytes) -> None:
    clients = AwsClients(
        AwsSettings(region="us-east-1", access_key_id="AKIA", secret_access_key="secret")
    )

    def answer(request, **_):
        fields = {"KeyId": "k", "PublicKey": base64.b64encode(key).decode()}
        return AWSResponse(request.url, 200, {}, Body(json.dumps(fields).encode()))

    clients.kms.meta.events.register("before-send", answer)
    signing = Signing(source=SigningSource.KMS, kms_key="alias/quantum")

    with pytest.raises(UserMistake, match="alias/quantum cannot sign images"):
        AwsSigning(clients, CommandClock()).public_key(signing)
