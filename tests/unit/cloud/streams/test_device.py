from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cloud.streams.memory import HERE, Cloud

from otactl.cloud.streams.device import DeviceService
from otactl.wire.stream_topic import PayloadFormat, StreamTopic, StreamVerb

IMAGE = bytes(range(256)) * 40 + b"tail"


async def answers(
    cloud: Cloud, verb: str, fields: dict[str, Any] | bytes, payload_format: str = "cbor"
) -> list[tuple[str, dict[str, Any]]]:
    topic = StreamTopic("thing", "s", StreamVerb(verb), PayloadFormat(payload_format))
    load, dump = (
        (cbor2.loads, cbor2.dumps)
        if payload_format == "cbor"
        else (json.loads, lambda fields: json.dumps(fields).encode())
    )
    body = fields if isinstance(fields, bytes) else dump(fields)
    service = DeviceService(cloud.store, cloud.reader)
    return [
        (str(answer_verb), load(payload))
        async for answer_verb, payload in service.answer(HERE, topic, body)
    ]


async def test_blocks_are_those_of_the_file_and_the_last_is_short() -> None:
    cloud = Cloud()
    await cloud.make_stream(IMAGE)

    found = await answers(cloud, "get", {"f": 0, "l": 1024, "c": "t"})

    assert [verb for verb, _ in found] == ["data"] * 11
    assert b"".join(block["p"] for _, block in found) == IMAGE
    assert found[-1][1] == {"c": "t", "f": 0, "l": 4, "i": 10, "p": b"tail"}


async def test_a_json_block_that_fits_no_message_is_refused_and_a_cbor_one_is_not() -> None:
    cloud = Cloud()
    await cloud.make_stream(bytes(200_000))
    asked = {"f": 0, "l": 131072, "n": 1}

    [(verb, rejected)] = await answers(cloud, "get", asked, "json")
    assert (verb, rejected["o"]) == ("rejected", "BlockSizeOutOfBounds")
    [(verb, block)] = await answers(cloud, "get", asked)
    assert (verb, block["l"]) == ("data", 131072)
    [(verb, block)] = await answers(cloud, "get", asked | {"l": 98304}, "json")
    assert (verb, block["l"]) == ("data", 98304)


async def test_a_file_that_changes_between_two_blocks_ends_in_a_refusal() -> None:
    cloud = Cloud(cache_bytes=0)
    await cloud.make_stream(IMAGE)
    topic = StreamTopic("thing", "s", StreamVerb.GET, PayloadFormat.CBOR)
    service = DeviceService(cloud.store, cloud.reader)
    row = service.answer(HERE, topic, cbor2.dumps({"f": 0, "l": 1024, "c": "t"}))

    verb, payload = await anext(row)
    assert (verb, cbor2.loads(payload)["p"]) == (StreamVerb.DATA, IMAGE[:1024])
    for location in cloud.objects.contents:
        cloud.objects.contents[location] = b"\xff" * len(IMAGE)
    verb, payload = await anext(row)

    assert verb is StreamVerb.REJECTED
    assert cbor2.loads(payload) == {
        "o": "ETagMismatch",
        "m": "s3://b/s/0 is another",
        "c": "t",
        "code": "ETagMismatch",
        "message": "s3://b/s/0 is another",
        "clientToken": "t",
    }
    with pytest.raises(StopAsyncIteration):
        await anext(row)


async def test_a_request_beyond_all_sense_is_not_even_read() -> None:
    cloud = Cloud()

    [(verb, rejected)] = await answers(cloud, "get", b"{" * 40_000, "json")

    assert (verb, rejected["o"]) == ("rejected", "InvalidRequest")


async def test_an_empty_file_has_no_block_but_a_size() -> None:
    cloud = Cloud()
    await cloud.make_stream(b"")

    [(verb, description)] = await answers(cloud, "describe", {})
    assert (verb, description["r"]) == ("description", [{"f": 0, "z": 0}])
    [(verb, rejected)] = await answers(cloud, "get", {"f": 0, "l": 256})
    assert (verb, rejected["o"]) == ("rejected", "ResourceNotFound")


VALUES = st.none() | st.booleans() | st.integers(-5, 200_000) | st.binary(max_size=20) | st.text()


@given(
    st.sampled_from(["get", "describe"]),
    st.dictionaries(st.sampled_from("csflonb"), VALUES),
)
async def test_every_request_gets_blocks_of_the_file_or_one_refusal(
    verb: str, fields: dict[str, Any]
) -> None:
    cloud = Cloud()
    await cloud.make_stream(IMAGE, b"second")
    try:
        body = cbor2.dumps(fields)
    except UnicodeEncodeError:
        return

    found = await answers(cloud, verb, body)

    assert found
    if found[-1][0] == "rejected":
        assert len(found) == 1
        return
    for answer_verb, block in found:
        if answer_verb == "data":
            content = [IMAGE, b"second"][block["f"]]
            start = block["i"] * fields["l"]
            assert block["p"] == content[start : start + fields["l"]] != b""


@pytest.mark.parametrize(
    ("payload_format", "bitmap", "lines"),
    [("json", "0x03", 0), ("json", "03", 1), ("cbor", b"\x03", 0), ("cbor", b"MQ==", 1)],
)
async def test_what_aws_may_refuse_is_served_and_logged_once_for_each_thing(
    payload_format: str, bitmap: object, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = Cloud()
    await cloud.make_stream(IMAGE)
    service = DeviceService(cloud.store, cloud.reader)
    topic = StreamTopic("thing", "s", StreamVerb.GET, PayloadFormat(payload_format))
    asked = {"f": 0, "l": 256, "n": 1, "b": bitmap}
    body = json.dumps(asked).encode() if payload_format == "json" else cbor2.dumps(asked)

    for _ in range(2):
        assert [verb async for verb, _ in service.answer(HERE, topic, body)] == [StreamVerb.DATA]

    assert [record.levelname for record in caplog.records] == ["WARNING"] * lines
