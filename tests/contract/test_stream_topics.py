"""File streams over MQTT, as a device sees them: real broker, real S3, mutual TLS."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from tests.conftest import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import aiomqtt
    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

ANSWER_SECONDS = 10


@dataclass
class Asker:
    """A device that asks on stream topics and collects what comes back."""

    client: aiomqtt.Client
    topic: str

    async def ask(self, verb: str, fields: dict[str, Any] | bytes, answers: int = 1, fmt="json"):
        body = fields
        if isinstance(fields, dict):
            body = json.dumps(fields) if fmt == "json" else cbor2.dumps(fields)
        await self.client.publish(f"{self.topic}/{verb}/{fmt}", body, qos=1)
        received = []
        async with asyncio.timeout(ANSWER_SECONDS):
            async for message in self.client.messages:
                _, answer_verb, answer_format = message.topic.value.rsplit("/", 2)
                assert answer_format == fmt
                load = json.loads if fmt == "json" else cbor2.loads
                received.append((answer_verb, load(message.payload)))
                if len(received) == answers:
                    return received
        raise AssertionError("the connection ended")


IMAGE = os.urandom(300_001)


@pytest.fixture
def stream(
    clients: AwsClients, firmware_bucket: str, stream_role_arn: str, unique: str
) -> Iterator[str]:
    """A stream of two files: 0 is IMAGE, 7 is tiny."""
    stream_id = f"stream-{unique}"
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/image", Body=IMAGE)
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/tiny", Body=b"tiny")
    clients.iot.create_stream(
        streamId=stream_id,
        description="for tests",
        files=[
            {"fileId": 0, "s3Location": {"bucket": firmware_bucket, "key": f"{unique}/image"}},
            {"fileId": 7, "s3Location": {"bucket": firmware_bucket, "key": f"{unique}/tiny"}},
        ],
        roleArn=stream_role_arn,
    )
    yield stream_id
    with contextlib.suppress(clients.iot.exceptions.ResourceNotFoundException):
        clients.iot.delete_stream(streamId=stream_id)


@pytest.fixture
async def asker(
    cloud: RunningCloud, make_device: MakeDevice, stream: str, unique: str
) -> AsyncIterator[Asker]:
    device = make_device(f"thing-{unique}")
    async with connected(cloud, device) as client:
        topic = f"$aws/things/{device.thing_name}/streams/{stream}"
        for verb in ("description", "data", "rejected"):
            await client.subscribe(f"{topic}/{verb}/+", qos=1)
        yield Asker(client, topic)


@pytest.mark.parametrize("fmt", ["json", "cbor"])
async def test_describe_tells_version_files_and_sizes(asker: Asker, fmt: str) -> None:
    [(verb, description)] = await asker.ask("describe", {"c": "ec944cfb"}, fmt=fmt)

    assert verb == "description"
    assert description == {
        "c": "ec944cfb",
        "s": 1,
        "d": "for tests",
        "r": [{"f": 0, "z": len(IMAGE)}, {"f": 7, "z": 4}],
    }


async def test_an_empty_payload_describes_too(asker: Asker) -> None:
    [(verb, _)] = await asker.ask("describe", b"")

    assert verb == "description"


async def test_a_whole_file_comes_in_parts_of_128_kib_and_a_short_last_block(asker: Asker) -> None:
    blocks: dict[int, bytes] = {}
    size = 4096
    count = -(-len(IMAGE) // size)
    while len(blocks) < count:
        offset = len(blocks)
        expected = min(32, count - offset)
        for verb, data in await asker.ask(
            "get", {"f": 0, "l": size, "o": offset, "n": count, "c": "t"}, expected
        ):
            assert verb == "data"
            assert data["c"] == "t"
            blocks[data["i"]] = base64.b64decode(data["p"])
            assert data["l"] == len(blocks[data["i"]])

    assert b"".join(blocks[index] for index in sorted(blocks)) == IMAGE
    assert len(blocks[count - 1]) == len(IMAGE) % size


async def test_a_bitmap_asks_for_its_blocks_in_cbor(asker: Asker) -> None:
    # The developer guide's own example: blocks 20, 21, 24 and 43 with an offset of 20.
    answers = await asker.ask(
        "get", {"f": 0, "l": 1024, "o": 20, "b": bytes.fromhex("130080")}, 4, fmt="cbor"
    )

    assert [data["i"] for _, data in answers] == [20, 21, 24, 43]
    for _, data in answers:
        assert data["p"] == IMAGE[data["i"] * 1024 : (data["i"] + 1) * 1024]


async def test_the_fixed_bitmap_of_the_aws_cbor_library_is_capped_by_its_count(
    asker: Asker,
) -> None:
    last = len(IMAGE) // 4096
    request = {"c": "rdy", "f": 0, "l": 4096, "o": last, "b": b"MQ==", "n": 1}

    [(verb, data)] = await asker.ask("get", request, fmt="cbor")

    assert (verb, data["i"], data["p"]) == ("data", last, IMAGE[last * 4096 :])


async def test_another_file_of_the_stream(asker: Asker) -> None:
    [(verb, data)] = await asker.ask("get", {"f": 7, "l": 256, "n": 1, "s": 1})

    assert (verb, base64.b64decode(data["p"])) == ("data", b"tiny")


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [
        ({"f": 0, "l": 255}, "BlockSizeOutOfBounds"),
        ({"f": 0, "l": 131073}, "BlockSizeOutOfBounds"),
        ({"f": 0, "l": 256, "o": 98305}, "OffsetOutOfBounds"),
        ({"f": 0, "l": 256, "n": 98305}, "BlockCountLimitExceeded"),
        ({"f": 0, "l": 256, "b": "ff" * 12288}, "BlockBitmapLimitExceeded"),
        ({"f": 0, "l": 131072, "o": 2, "b": "02"}, "BlockSizeOutOfBounds"),
        ({"f": 0, "l": 65536, "b": "ffff"}, "InvalidRequest"),
        ({"f": 0, "l": 65536, "o": 5}, "ResourceNotFound"),
        ({"f": 1, "l": 256}, "ResourceNotFound"),
        ({"f": 0, "l": 256, "s": 2}, "VersionMismatch"),
        ({"f": 0}, "InvalidRequest"),
        (b"{", "InvalidJson"),
        (b"[]", "InvalidJson"),
    ],
)
async def test_refusals_carry_the_code_short_and_long(
    asker: Asker, request_fields: dict[str, Any] | bytes, code: str
) -> None:
    [(verb, rejected)] = await asker.ask("get", request_fields)

    assert verb == "rejected"
    assert rejected["o"] == rejected["code"] == code
    assert rejected["m"] == rejected["message"]


async def test_a_deleted_stream_is_not_found(
    asker: Asker, clients: AwsClients, stream: str
) -> None:
    clients.iot.delete_stream(streamId=stream)

    [(verb, rejected)] = await asker.ask("get", {"f": 0, "l": 256, "n": 1, "c": "x"})

    assert (verb, rejected["o"], rejected["c"]) == ("rejected", "ResourceNotFound", "x")
