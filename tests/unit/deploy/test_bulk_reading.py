"""A large fleet read with boto3 itself: its requests are answered here, time is handed in."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace

import pytest
from botocore.awsrequest import AWSResponse
from tests.support.dev_ini import configuration_of, dev_ini, section

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.thing_states import IotThingStates
from otactl.deploy.eligibility import choose_things
from otactl.model.thing_list import ThingList

ARN = "arn:aws:iot:us-east-1:123456789012:thing"


class Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_):
        yield self.getvalue()


class Account:
    """Answers requests as AWS IoT does, and remembers when each came.

    Args:
        things: How many there are.
        clock: The test's.
        indexes: Whether fleet indexing is on.
    """

    def __init__(self, things, clock, *, indexes) -> None:
        self.names = [f"t{number:06}" for number in range(things)]
        self.clock, self.indexes = clock, indexes
        self.searched_ms: list[int] = []
        self.clients = AwsClients(
            AwsSettings(region="us-east-1", access_key_id="AKIA", secret_access_key="secret")
        )
        for client in (self.clients.iot, self.clients.iot_data):
            client.meta.events.register("before-send", self.answer)

    def answer(self, request, **_):
        fields = self._fields(request)
        return AWSResponse(request.url, 200, {}, Body(json.dumps(fields).encode()))

    def _fields(self, request):
        path = request.url.partition(".com")[2].partition("?")[0]
        if path == "/indexing/config":
            mode = "REGISTRY_AND_SHADOW" if self.indexes else "OFF"
            modes = {"thingIndexingMode": mode, "thingConnectivityIndexingMode": "STATUS"}
            return {"thingIndexingConfiguration": modes}
        if path == "/indices/AWS_Things":
            return {"indexName": "AWS_Things", "indexStatus": "ACTIVE"}
        if path == "/indices/statistics":
            return {"statistics": {"count": len(self.names)}}
        if path == "/indices/search":
            self.searched_ms.append(self.clock.now_ms())
            asked = json.loads(request.body)
            assert asked["queryString"] == "thingName:t0*"
            start = int(asked.get("nextToken", 0))
            end = start + asked["maxResults"]
            rest = {"nextToken": str(end)} if end < len(self.names) else {}
            return {"things": [self._document(name) for name in self.names[start:end]]} | rest
        name = path.split("/")[2]
        state = {"reported": {"version": self._version(name)}}
        return {"state": state, "metadata": {"reported": {"version": {"timestamp": 7}}}}

    def _document(self, name):
        shadow = f'{{"reported": {{"version": "{self._version(name)}"}}}}'
        is_known = name.endswith("7")  # the others never connected under their name
        connected = {"connectivity": {"connected": True, "timestamp": 9}} if is_known else {}
        return {"thingName": name, "shadow": shadow} | connected

    def _version(self, name):
        return "2.0" if name.endswith("7") else "1.0"


@pytest.mark.parametrize(("things", "indexes"), [(100_000, True), (1_000, False)])
def test_the_calls_made_are_those_announced_and_never_too_fast(aws, things, indexes):
    account = Account(things, aws.clock, indexes=indexes)
    states = IotThingStates(account.clients, aws.clock)
    listed = ThingList(file_name="list", things=tuple(f"{ARN}/{name}" for name in account.names))
    text = dev_ini(
        section("ELIGIBILITY_CONFIG", fromVersions="1.0"),
        section("VERIFY_CONFIG", expectedVersion="2.0"),
        useEligibilityConfig="True",
    )
    notes: list[str] = []
    began_ms = aws.clock.monotonic_ms()

    choice = choose_things(
        configuration_of(text), listed, replace(aws.services, thing_states=states), notes.append
    )

    made = account.clients.calls.snapshot()
    took_s = (aws.clock.monotonic_ms() - began_ms) / 1000
    assert len(choice.left_out) == things // 10
    assert len(choice.former) == things - things // 10
    if indexes:
        assert made == {
            "iot:DescribeIndex": 1,
            "iot:GetIndexingConfiguration": 1,
            "iot:GetStatistics": 1,
            "iot:SearchIndex": 1_000,
        }
        assert "1,000 iot:SearchIndex, at least 67 s" in notes[0]
        assert 66 < took_s < 70
        assert notes[-1] == "read 90,000 of 100,000 things"
        assert all(
            later - first >= 1_000
            for first, later in zip(
                account.searched_ms, itertools.islice(account.searched_ms, 15, None), strict=False
            )
        )
    else:
        assert made == {"iot:GetIndexingConfiguration": 1, "iotdata:GetThingShadow": 1_000}
        assert "1,000 iotdata:GetThingShadow, at least 10 s; fleet indexing is off" in notes[0]
        assert 9.9 < took_s < 11
