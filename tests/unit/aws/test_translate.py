"""What botocore raises becomes a sentence that says whose business it is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.translate import MISSING, translate, translated
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


@translated("iot", {MISSING: None})
def described(error: Exception) -> str | None:
    raise error


def test_what_is_missing_is_an_answer_where_the_question_allows_it():
    missing = {"Error": {"Code": "ResourceNotFoundException", "Message": "no such job"}}

    assert described(ClientError(missing, "DescribeJob")) is None


def test_every_other_code_is_still_an_error():
    denied = {"Error": {"Code": "UnauthorizedException", "Message": "no"}}

    with pytest.raises(AwsRefused, match="UnauthorizedException"):
        described(ClientError(denied, "DescribeJob"))
    with pytest.raises(AwsUnreachable):
        described(HTTPClientError(error="cut", response=None))
