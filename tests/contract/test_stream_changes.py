"""What a device gets when the object, the stream or its rights change under it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import aiomqtt
import pytest
from tests.conftest import connected, make_reader_role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

OLD, NEW = b"old firmware", b"new firmware"
SECONDS = 10


class Asker:
    """Asks for the first block of file 0 again and again."""

    def __init__(self, client: aiomqtt.Client, topic: str) -> None:
        self.client = client
        self.topic = topic

    async def ask(self) -> bytes | str:
        """The block's bytes, or the code of the refusal."""
        await self.client.publish(f"{self.topic}/get/json", '{"f":0,"l":256,"n":1}', qos=1)
        async with asyncio.timeout(SECONDS):
            message = await anext(self.client.messages)
        fields = json.loads(message.payload)
        return base64.b64decode(fields["p"]) if "p" in fields else str(fields["o"])

    async def ask_until_refused(self) -> str:
        """The code, once it comes; until then nothing but the old bytes may come."""
        deadline = time.monotonic() + SECONDS
        while isinstance(answer := await self.ask(), bytes):
            assert answer == OLD
            assert time.monotonic() < deadline
        return answer


@pytest.fixture
def location(firmware_bucket: str, unique: str) -> dict[str, str]:
    return {"bucket": firmware_bucket, "key": f"{unique}/changing"}


@pytest.fixture
def put(clients: AwsClients, location: dict[str, str]) -> Callable[[bytes], str]:
    """Writes the object; gives its version."""

    def write(body: bytes) -> str:
        answer = clients.s3.put_object(Bucket=location["bucket"], Key=location["key"], Body=body)
        return answer["VersionId"]

    return write


@pytest.fixture
async def asker(cloud: RunningCloud, make_device: MakeDevice, unique: str) -> AsyncIterator[Asker]:
    device = make_device(f"thing-{unique}")
    async with connected(cloud, device) as client:
        topic = f"$aws/things/{device.thing_name}/streams/stream-{unique}"
        for verb in ("data", "rejected"):
            await client.subscribe(f"{topic}/{verb}/json")
        yield Asker(client, topic)


def make_stream(clients: AwsClients, unique: str, location: dict[str, str], role: str) -> None:
    clients.iot.create_stream(
        streamId=f"stream-{unique}",
        files=[{"fileId": 0, "s3Location": location}],
        roleArn=role,
    )


async def test_an_object_that_is_replaced_gives_an_etag_mismatch_never_other_bytes(
    *,
    clients: AwsClients,
    asker: Asker,
    put: Callable[[bytes], str],
    location: dict[str, str],
    stream_role_arn: str,
    unique: str,
) -> None:
    put(OLD)
    make_stream(clients, unique, location, stream_role_arn)
    assert await asker.ask() == OLD

    put(NEW)

    assert await asker.ask_until_refused() == "ETagMismatch"
    clients.iot.update_stream(
        streamId=f"stream-{unique}", files=[{"fileId": 0, "s3Location": location}]
    )
    assert await asker.ask() == NEW


async def test_a_pinned_version_stays_what_it_was(
    *,
    clients: AwsClients,
    asker: Asker,
    put: Callable[[bytes], str],
    location: dict[str, str],
    stream_role_arn: str,
    unique: str,
) -> None:
    version = put(OLD)
    put(NEW)
    make_stream(clients, unique, location | {"version": version}, stream_role_arn)

    assert await asker.ask() == OLD

    clients.s3.delete_object(Bucket=location["bucket"], Key=location["key"], VersionId=version)
    assert await asker.ask_until_refused() == "ResourceNotFound"


async def test_an_object_that_vanishes_is_not_found(
    *,
    clients: AwsClients,
    asker: Asker,
    put: Callable[[bytes], str],
    location: dict[str, str],
    stream_role_arn: str,
    unique: str,
) -> None:
    put(OLD)
    make_stream(clients, unique, location, stream_role_arn)
    assert await asker.ask() == OLD

    clients.s3.delete_object(Bucket=location["bucket"], Key=location["key"])

    assert await asker.ask_until_refused() == "ResourceNotFound"


async def test_a_role_that_loses_its_right_is_unauthorized(
    *,
    clients: AwsClients,
    asker: Asker,
    put: Callable[[bytes], str],
    location: dict[str, str],
    unique: str,
) -> None:
    put(OLD)
    role = make_reader_role(clients, f"reader-{unique}", location["bucket"])
    make_stream(clients, unique, location, role)
    assert await asker.ask() == OLD

    clients.iam.delete_role_policy(RoleName=f"reader-{unique}", PolicyName="read")

    assert await asker.ask_until_refused() == "Unauthorized"


OTHERS_TOPIC = "$aws/things/other/streams/s"

FORBIDDEN: dict[str, Callable[[aiomqtt.Client, str], Awaitable[Any]]] = {
    "ask for another thing": lambda client, _: client.publish(f"{OTHERS_TOPIC}/get/json", "{}"),
    "listen for another thing": lambda client, _: client.subscribe(f"{OTHERS_TOPIC}/data/json"),
    "listen for all things": lambda client, _: client.subscribe("$aws/things/+/streams/+/data/+"),
    "answer in place of the service": lambda client, own: client.publish(f"{own}/data/json", "{}"),
}


@pytest.mark.parametrize("deed", FORBIDDEN)
async def test_a_thing_that_leaves_its_own_topics_is_cut_off(
    cloud: RunningCloud, make_device: MakeDevice, unique: str, deed: str
) -> None:
    device = make_device(f"thing-{unique}")
    own = f"$aws/things/{device.thing_name}/streams/s"

    async def do_it() -> None:
        async with connected(cloud, device, timeout_seconds=2) as client:
            # A request of its own is answered: whatever ends the connection is not the policy's
            # refusal of everything.
            await client.subscribe(f"{own}/rejected/json")
            await client.publish(f"{own}/get/json", "{}")
            await anext(client.messages)
            with contextlib.suppress(aiomqtt.MqttError):  # no acknowledgement will come
                await FORBIDDEN[deed](client, own)
            async with asyncio.timeout(SECONDS):
                await anext(client.messages)

    # MQTT 3.1.1 has no other way to refuse than to close the connection.
    with pytest.raises(aiomqtt.MqttError, match=r"[Dd]isconnect"):
        await do_it()
