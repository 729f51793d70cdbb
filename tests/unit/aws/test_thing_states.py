"""What is wrong with AWS or the credentials is not blamed on the things that were to be read."""

from __future__ import annotations

import json

import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.deploy.test_bulk_reading import Body

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.thing_states import IotThingStates
from otactl.errors import AwsRefused, AwsUnreachable
from otactl.model.thing_state import VersionSource
from otactl.operations.clock import CommandClock

SOURCE = VersionSource(version_path=("version",))


def read(code: str, status: int, *, refusals: int = 1000):
    """Read a thing; so many requests are refused."""
    settings = AwsSettings(
        region="us-east-1", access_key_id="AKIA", secret_access_key="secret", max_attempts=1
    )
    clients = AwsClients(settings)
    left = iter(range(refusals))

    def answer(request, **_):
        if next(left, None) is None:
            shadow = {"state": {"reported": {"version": "1.3.0"}}}
            return AWSResponse(request.url, 200, {}, Body(json.dumps(shadow).encode()))
        body = Body(json.dumps({"message": "no"}).encode())
        return AWSResponse(request.url, status, {"x-amzn-errortype": code}, body)

    clients.iot_data.meta.events.register("before-send", answer)
    clock = CommandClock(speed=1000)
    return list(IotThingStates(clients, clock).read(["a"], SOURCE, connectivity=False))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ServiceUnavailableException", 503, AwsUnreachable),
        ("ExpiredTokenException", 403, AwsRefused),
    ],
)
def test_an_outage_or_an_expired_session_ends_the_reading(code, status, kind):
    with pytest.raises(kind, match=code):
        read(code, status)


def test_a_thing_is_read_again_when_aws_does_not_serve():
    (state,) = read("ServiceUnavailableException", 503, refusals=2)

    assert (state.version, state.unreadable) == ("1.3.0", "")


def test_a_thing_that_may_not_be_read_is_unreadable():
    (state,) = read("UnauthorizedException", 401)

    assert state.unreadable == "UnauthorizedException: no"
