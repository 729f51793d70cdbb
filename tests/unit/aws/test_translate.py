"""What botocore raises becomes a sentence that says whose business it is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.translate import translate
from otactl.errors import AwsRefused, AwsUnreachable, UserMistake


def test_an_endpoint_that_is_no_url_is_the_users_mistake():
    clients = AwsClients(AwsSettings(region="us-east-1", endpoint_url="foo"))

    with pytest.raises(UserMistake, match="Invalid endpoint: foo") as raised:
        clients.sts  # noqa: B018

    assert "--endpoint-url" in raised.value.hint


def test_a_network_that_is_down_is_no_refusal():
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")

    reported = translate(error, "sts", "account_of")

    assert isinstance(reported, AwsUnreachable)
    assert str(reported).startswith("AWS did not serve sts: Could not connect")
    assert "account_of" not in str(reported)


def test_a_refusal_names_the_call():
    answer = {"Error": {"Code": "InvalidRequestException", "Message": "no"}}

    reported = translate(ClientError(answer, "CreateJob"), "iot")

    assert type(reported) is AwsRefused
    assert str(reported) == "AWS refused iot:CreateJob: no (InvalidRequestException)"
