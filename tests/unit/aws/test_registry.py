"""A group that somebody deleted is not taken for things that do not exist."""

from __future__ import annotations

import json

import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.deploy.test_bulk_reading import Body

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.registry import IotRegistry
from otactl.errors import AwsRefused

ARN = "arn:aws:iot:us-east-1:123456789012:thing/t1"


def registry(*, has_group: bool) -> IotRegistry:
    """A registry without the thing, and with or without the group."""
    clients = AwsClients(
        AwsSettings(
            region="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            access_key_id="AKIA",
            secret_access_key="secret",
        )
    )

    def answer(request, **_):
        is_found = has_group and request.method == "GET"
        fields = {"thingGroupName": "wave"} if is_found else {"message": "not found"}
        headers = {} if is_found else {"x-amzn-errortype": "ResourceNotFoundException"}
        body = Body(json.dumps(fields).encode())
        return AWSResponse(request.url, 200 if is_found else 404, headers, body)

    made = IotRegistry(clients)
    made._filling = made
    clients.iot.meta.events.register("before-send", answer)
    return made


def test_a_thing_that_does_not_exist_is_not_reached() -> None:
    refusals = registry(has_group=True).fill_group("wave", [ARN], per_second=100)

    assert refusals == {ARN: "it does not exist"}


def test_a_group_that_does_not_exist_ends_the_filling() -> None:
    with pytest.raises(AwsRefused, match="iot:AddThingToThingGroup"):
        registry(has_group=False).fill_group("wave", [ARN], per_second=100)
