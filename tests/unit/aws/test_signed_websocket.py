from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import ReadOnlyCredentials

from otactl.aws.signed_websocket import sign_websocket
from otactl.errors import UserMistake

ENDPOINT = "abc-ats.iot.eu-central-1.amazonaws.com"


def sign(token=None, **changes):
    credentials = ReadOnlyCredentials("AKIDEXAMPLE", "secret", token)
    return sign_websocket(ENDPOINT, "eu-central-1", credentials, **changes)


def test_the_address_is_signed_for_the_device_gateway():
    address = sign()
    query = parse_qs(urlsplit(address.path).query)

    assert (address.host, address.port, address.tls) == (ENDPOINT, 443, True)
    assert address.path.startswith("/mqtt?")
    assert query["X-Amz-Credential"][0].endswith("/eu-central-1/iotdevicegateway/aws4_request")
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert "secret" not in address.path


def test_a_session_token_goes_behind_the_signature():
    # AWS IoT computes the signature without it; a token that is signed too is refused.
    path = sign("a token/with=signs").path
    signed, _, token = path.partition("&X-Amz-Security-Token=")

    assert token == "a%20token%2Fwith%3Dsigns"
    assert "X-Amz-Signature=" in signed
    assert "Security-Token" not in signed


def test_a_local_cloud_is_reached_under_the_name_that_was_signed():
    address = sign(endpoint_url="http://127.0.0.1:4566")
    assert (address.host, address.port, address.tls) == ("127.0.0.1", 4566, False)
    assert address.host_header == ENDPOINT


def test_an_address_without_a_host_is_a_mistake():
    with pytest.raises(UserMistake):
        sign(endpoint_url="nowhere")
