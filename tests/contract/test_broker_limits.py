"""The broker refuses what AWS IoT Core's refuses, by raw MQTT, in a cloud with a fast clock."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.raw_device import PUBACK, PUBLISH, RawDevice, raw_device

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.testing import registered_device

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

MAX = 128 * 1024


@pytest.fixture(scope="module")
def strict_cloud() -> Iterator[RunningCloud]:
    # The shortest keep alive is AWS's but for its thirty seconds.
    settings = CloudSettings(account_id="123456789012", speed=60, least_keep_alive_seconds=1)
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def strict(strict_cloud: RunningCloud) -> AwsClients:
    return AwsClients(AwsSettings.for_local_cloud(strict_cloud.address))


@pytest.fixture
def make(
    strict_cloud: RunningCloud, strict: AwsClients, tmp_path: Path, unique: str
) -> Iterator[Callable[[str], DeviceIdentity]]:
    """Devices that may do everything."""
    every = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    policy = strict.iot.create_policy(
        policyName=f"every-{unique}",
        policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [every]}),
    )["policyName"]
    with contextlib.ExitStack() as undo:
        undo.callback(strict.iot.delete_policy, policyName=policy)

        def make_device(name: str) -> DeviceIdentity:
            device = undo.enter_context(
                registered_device(
                    strict,
                    account_id="123456789012",
                    thing_name=f"{name}-{unique}",
                    directory=tmp_path,
                )
            )
            (target,) = strict.iot.list_thing_principals(thingName=device.thing_name)["principals"]
            strict.iot.attach_policy(policyName=policy, target=target)
            undo.callback(strict.iot.detach_policy, policyName=policy, target=target)
            return device

        yield make_device


@pytest.fixture
def device(make: Callable[[str], DeviceIdentity]) -> DeviceIdentity:
    return make("device")


REFUSED: dict[str, Callable[[RawDevice], Coroutine[Any, Any, Any]]] = {
    "nine filters": lambda it: it.send(8, 2, b"\0\1" + b"\0\1a\0" * 9),
    "eight slashes in a filter": lambda it: it.send(8, 2, b"\0\1\0\x11a/a/a/a/a/a/a/a/+\0"),
    "a shared subscription": lambda it: it.send(8, 2, b"\0\1\0\x0a$share/g/a\0"),
    "eight slashes in a topic": lambda it: it.publish("a/a/a/a/a/a/a/a/a", {}),
    "RETAIN on a reserved topic": lambda it: it.publish(
        "$aws/things/t/shadow/update", {}, retain=True
    ),
    "QoS 2": lambda it: it.publish("a", {}, qos=2),
    "a payload over 128 KB": lambda it: it.publish("a", b"x" * (MAX + 1)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_breaks_a_limit_ends_the_connection(
    strict_cloud: RunningCloud, device: DeviceIdentity, name: str
) -> None:
    async with raw_device(strict_cloud, device) as client:
        await client.subscribe("still/here")
        await REFUSED[name](client)

        assert await client.closed()


async def test_what_just_keeps_the_limits_is_served(
    strict_cloud: RunningCloud, device: DeviceIdentity
) -> None:
    async with raw_device(strict_cloud, device) as client:
        await client.subscribe(*(f"a/{number}" for number in range(7)), "a/a/a/a/a/a/a/+")
        await client.publish("a/a/a/a/a/a/a/a", b"x" * MAX, qos=1, retain=True)
        heard = await client.next(PUBLISH)
        await client.next(PUBACK)

    assert len(heard.payload) == MAX


async def test_a_silent_client_is_dropped_with_its_will_in_real_seconds(
    strict_cloud: RunningCloud,
    make: Callable[[str], DeviceIdentity],
) -> None:
    silent, observer = make("silent"), make("observer")
    async with (
        raw_device(strict_cloud, observer) as other,
        raw_device(strict_cloud, silent, keep_alive=1, will=("will", b"gone")) as client,
    ):
        await other.subscribe("will", f"$aws/events/presence/disconnected/{silent.thing_name}")
        for _ in range(4):
            await client.ping()
        begun = time.monotonic()
        assert await client.closed()
        took = time.monotonic() - begun
        heard = {(await other.next(PUBLISH)).topic for _ in range(1)}
        event = json.loads((await other.next(PUBLISH)).payload)

    # A second and a half; at the cloud's speed it would be a fortieth of a second.
    assert took >= 1.4
    assert heard == {"will"}
    assert event["disconnectReason"] == "MQTT_KEEP_ALIVE_TIMEOUT"
    assert event["clientInitiatedDisconnect"] is False


async def test_more_than_a_hundred_messages_a_second_are_lost_and_the_connection_stays(
    strict_cloud: RunningCloud, device: DeviceIdentity
) -> None:
    async with raw_device(strict_cloud, device) as client:
        await client.subscribe("many")
        for number in range(400):
            await client.publish("many", {}, qos=number % 2, packet_id=number + 1)
        came = await client.ping()

    heard = sum(packet.kind == PUBLISH for packet in came)
    acknowledged = sum(packet.kind == PUBACK for packet in came)
    # A second's worth at once, and what has become free while the others were sent.
    assert 100 <= heard < 400
    assert acknowledged < 200


async def test_half_a_mebibyte_a_second_goes_each_way(
    strict_cloud: RunningCloud, device: DeviceIdentity
) -> None:
    async with raw_device(strict_cloud, device) as client:
        await client.subscribe("large")
        begun = time.monotonic()
        for _ in range(10):
            await client.publish("large", b"x" * MAX)
        for _ in range(10):
            await client.next(PUBLISH)
        took = time.monotonic() - begun

    # 1.25 MiB: half of one at once, the rest in a second and a half.
    assert took >= 1.3


async def test_a_certificate_that_is_deactivated_loses_its_connection(
    strict_cloud: RunningCloud, strict: AwsClients, device: DeviceIdentity
) -> None:
    (principal,) = strict.iot.list_thing_principals(thingName=device.thing_name)["principals"]
    async with raw_device(strict_cloud, device) as client:
        await client.subscribe("a")
        strict.iot.update_certificate(
            certificateId=principal.rpartition("/")[2], newStatus="INACTIVE"
        )

        assert await client.closed()


@pytest.mark.parametrize("job_id", ["get", "start-next", "notify", "notify-next"])
async def test_a_job_of_an_awkward_name_is_worked_over_mqtt(
    strict_cloud: RunningCloud, strict: AwsClients, device: DeviceIdentity, job_id: str
) -> None:
    jobs = f"$aws/things/{device.thing_name}/jobs"
    thing = strict.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    strict.iot.create_job(jobId=job_id, targets=[thing], document="{}")
    async with raw_device(strict_cloud, device) as client:
        await client.publish(f"{jobs}/{job_id}/get", {})
        described = await client.next(PUBLISH)
        await client.publish(f"{jobs}/{job_id}/update", {"status": "SUCCEEDED"})
        updated = await client.next(PUBLISH)

    assert described.topic == f"{jobs}/{job_id}/get/accepted"
    assert updated.topic == f"{jobs}/{job_id}/update/accepted"
    assert strict.iot.describe_job(jobId=job_id)["job"]["status"] == "COMPLETED"
