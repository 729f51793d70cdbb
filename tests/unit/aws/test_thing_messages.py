from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.aws.thing_messages import requests_of, thing_messages
from otactl.wire.error import WireError
from otactl.wire.stream_payload import GetStreamRequest, encode_get_request
from otactl.wire.stream_topic import PayloadFormat

BASE = "$aws/things/t1"


def words(topic, payload):
    heard = thing_messages(topic, payload, 5)
    return None if heard is None else heard.words


def get(**fields):
    request = GetStreamRequest(file_id=1, block_size=4096, **fields)
    return encode_get_request(request, PayloadFormat.CBOR)


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("jobs/start-next", b"{}", "asked for its next job"),
        ("jobs/job-1/update", b'{"status": "SUCCEEDED"}', "reported SUCCEEDED"),
        ("jobs/notify-next", b'{"timestamp": 1}', "has nothing to do"),
        (
            "jobs/notify-next",
            json.dumps({"execution": {"jobId": "job-1", "status": "QUEUED"}}).encode(),
            "notified of job job-1",
        ),
        ("streams/s/get/cbor", get(block_offset=7, block_count=1), "asked for block 7"),
        ("streams/s/get/cbor", get(block_offset=8, block_count=4), "asked for blocks 8 to 11"),
        (
            "streams/s/get/cbor",
            get(block_offset=8, block_count=3, bitmap=b"\x0d"),
            "asked for 3 blocks from 8 to 11",
        ),
        ("streams/s/describe/json", b"{}", "asked what the stream holds"),
        ("streams/s/get/json", b"\xff", "sent an invalid request for blocks"),
        ("shadow/update", b"{}", None),
    ],
)
def test_a_message_says_what_the_thing_does(topic, payload, expected):
    assert words(f"{BASE}/{topic}", payload) == expected


@pytest.mark.parametrize(("verb", "connected"), [("connected", True), ("disconnected", False)])
def test_presence_tells_whether_it_is_there(verb, connected):
    heard = thing_messages(f"$aws/events/presence/{verb}/t1", b"{}", 5)
    assert (heard.thing_name, heard.connected) == ("t1", connected)


@given(
    st.sampled_from(
        ["jobs/notify-next", "jobs/j/update", "streams/s/get/json", "streams/s/get/cbor"]
    ),
    st.binary(max_size=200),
)
def test_no_bytes_break_the_listener(topic, payload):
    try:
        thing_messages(f"{BASE}/{topic}", payload, 5)
    except WireError:
        return


def test_only_the_things_own_requests_are_listened_to():
    assert all(each.startswith("$aws/things/t1/") for each in requests_of("t1"))
