"""Answers go to the connection that asked, subscribed or not, as AWS's own OTA programs need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.raw_device import PUBACK, PUBLISH, RawDevice, raw_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

#: All that a device may do but hear one job's answers.
DEAF = "*/jobs/get/*"


@pytest.fixture
def device(make_device: MakeDevice, unique: str) -> DeviceIdentity:
    return make_device(f"asker-{unique}")


@pytest.fixture
def observer(
    clients: AwsClients, make_device: MakeDevice, allow: Callable[..., None], unique: str
) -> DeviceIdentity:
    """Another client, which may hear everything."""
    observer = make_device(f"observer-{unique}")
    allow(observer, "iot:Subscribe", "iot:Receive")
    return observer


@pytest.fixture
def allow(clients: AwsClients, unique: str) -> Iterator[Callable[..., None]]:
    """Give a device's certificate a further policy."""
    attached = []

    def attach(device: DeviceIdentity, *actions: str, effect: str = "Allow", on: str = "*") -> None:
        statement = {"Effect": effect, "Action": list(actions), "Resource": on}
        name = f"further-{device.thing_name}"
        clients.iot.create_policy(
            policyName=name,
            policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        (principal,) = clients.iot.list_thing_principals(thingName=device.thing_name)["principals"]
        clients.iot.attach_policy(policyName=name, target=principal)
        attached.append((name, principal))

    yield attach
    for name, principal in attached:
        clients.iot.detach_policy(policyName=name, target=principal)
        clients.iot.delete_policy(policyName=name)


@pytest.fixture
def job_id(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, unique: str
) -> Iterator[str]:
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    clients.iot.create_job(jobId=f"asked-{unique}", targets=[thing], document='{"go": 1}')
    yield f"asked-{unique}"
    clients.iot.delete_job(jobId=f"asked-{unique}", force=True)


async def asked(client: RawDevice, topic: str, request: dict[str, Any]) -> list[tuple[str, int]]:
    """The topic and QoS of every message that came by the time the request was acknowledged."""
    await client.publish(topic, request, qos=1)
    await client.next(PUBACK)
    came = await client.ping()
    return [(packet.topic.removeprefix(topic), packet.qos) for packet in came]


async def test_a_device_that_has_subscribed_to_nothing_hears_its_jobs_answers_once(
    cloud: RunningCloud, device: DeviceIdentity, observer: DeviceIdentity, job_id: str
) -> None:
    jobs = f"$aws/things/{device.thing_name}/jobs"
    async with raw_device(cloud, observer) as other, raw_device(cloud, device) as client:
        await other.subscribe("$aws/things/+/jobs/#", qos=1)
        found = [
            await asked(client, f"{jobs}/get", {}),
            await asked(client, f"{jobs}/{job_id}/get", {}),
            await asked(client, f"{jobs}/no-such-job/get", {}),
            await asked(client, f"{jobs}/{job_id}/update", {"status": "QUEUED"}),
        ]
        await client.subscribe(f"{jobs}/#", f"{jobs}/start-next/accepted", qos=1)
        found.append(await asked(client, f"{jobs}/start-next", {}))
        heard = await other.ping()

    assert found == [
        [("/accepted", 0)],
        [("/accepted", 0)],
        [("/rejected", 0)],
        [("/rejected", 0)],
        # By its subscription's QoS, and once though two subscriptions match. The wildcard
        # subscription also hears the request itself.
        [("", 1), ("/accepted", 1)],
    ]
    # The requests pass the broker, the answers do not.
    assert {packet.topic.rpartition("/")[2] for packet in heard} == {"get", "update", "start-next"}


async def test_no_answer_comes_without_the_right_to_receive_it(
    cloud: RunningCloud, device: DeviceIdentity, allow: Callable[..., None]
) -> None:
    allow(device, "iot:Receive", effect="Deny", on=DEAF)
    jobs = f"$aws/things/{device.thing_name}/jobs"
    async with raw_device(cloud, device) as client:
        assert await asked(client, f"{jobs}/get", {}) == []
        assert await asked(client, f"{jobs}/start-next", {}) == [("/accepted", 0)]


async def test_a_device_that_subscribes_to_nothing_but_notify_next_completes_a_job(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, unique: str
) -> None:
    jobs = f"$aws/things/{device.thing_name}/jobs"
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    async with raw_device(cloud, device) as client:
        await client.subscribe(f"{jobs}/notify-next")
        clients.iot.create_job(jobId=f"next-{unique}", targets=[thing], document='{"go": 1}')
        notified = json.loads((await client.next(PUBLISH)).payload)
        await client.publish(f"{jobs}/start-next", {"clientToken": "a"})
        started = await client.next(PUBLISH)
        execution = json.loads(started.payload)["execution"]
        await client.publish(
            f"{jobs}/{execution['jobId']}/update",
            {"status": "SUCCEEDED", "expectedVersion": execution["versionNumber"]},
        )
        reported = await client.next(PUBLISH)

    assert notified["execution"]["jobId"] == execution["jobId"] == f"next-{unique}"
    assert execution["jobDocument"] == {"go": 1}
    assert started.topic == f"{jobs}/start-next/accepted"
    assert reported.topic == f"{jobs}/next-{unique}/update/accepted"
    assert clients.iot.describe_job(jobId=f"next-{unique}")["job"]["status"] == "COMPLETED"
    clients.iot.delete_job(jobId=f"next-{unique}")


async def test_stream_data_reaches_the_asker_and_each_subscriber_once(
    *,
    cloud: RunningCloud,
    clients: AwsClients,
    device: DeviceIdentity,
    observer: DeviceIdentity,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
) -> None:
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/answer", Body=b"x" * 300)
    location = {"bucket": firmware_bucket, "key": f"{unique}/answer"}
    clients.iot.create_stream(
        streamId=f"asked-{unique}",
        files=[{"fileId": 0, "s3Location": location}],
        roleArn=stream_role_arn,
    )
    stream = f"$aws/things/{device.thing_name}/streams/asked-{unique}"
    request = {"f": 0, "l": 256, "n": 1}
    async with raw_device(cloud, observer) as other, raw_device(cloud, device) as client:
        await other.subscribe(f"{stream}/data/json")
        await client.publish(f"{stream}/get/json", request)
        unsubscribed = await client.next(PUBLISH)
        await client.subscribe(f"{stream}/data/json")
        await client.publish(f"{stream}/get/json", request)
        subscribed = await client.next(PUBLISH)
        await client.publish(f"{stream}/describe/json", {})
        described = await client.next(PUBLISH)
        heard = await other.ping()

    assert unsubscribed == subscribed
    assert described.topic == f"{stream}/description/json"
    assert [packet.topic for packet in heard] == [f"{stream}/data/json"] * 2
    clients.iot.delete_stream(streamId=f"asked-{unique}")


async def test_a_shadows_answer_reaches_an_asker_that_has_not_subscribed(
    cloud: RunningCloud, device: DeviceIdentity
) -> None:
    shadow = f"$aws/things/{device.thing_name}/shadow"
    async with raw_device(cloud, device) as client:
        missing = await asked(client, f"{shadow}/get", {})
        updated = await asked(client, f"{shadow}/update", {"state": {"reported": {"a": 1}}})
        await client.subscribe(f"{shadow}/update/accepted")
        once = await asked(client, f"{shadow}/update", {"state": {"reported": {"a": 2}}})

    assert missing == [("/rejected", 0)]
    assert updated == once == [("/accepted", 0)]


async def test_a_provisioning_answer_reaches_an_asker_that_has_not_subscribed(
    cloud: RunningCloud, device: DeviceIdentity, allow: Callable[..., None]
) -> None:
    allow(device, "iot:Publish", "iot:Receive")
    async with raw_device(cloud, device) as client:
        answer = await asked(client, "$aws/certificates/create/json", {})

    assert answer == [("/accepted", 0)]
