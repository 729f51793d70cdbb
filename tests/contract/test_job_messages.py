"""Requests of Jobs over MQTT that AWS refuses are answered on ``rejected``, as it does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiomqtt
    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

ELEVEN = {f"key-{number}": "x" for number in range(11)}
REFUSED = (
    ("start-next", {"stepTimeoutInMinutes": 0}),
    ("start-next", {"stepTimeoutInMinutes": 10081}),
    ("start-next", {"stepTimeoutInMinutes": "5"}),
    ("start-next", {"statusDetails": {"a b": "c"}}),
    ("start-next", {"statusDetails": ELEVEN}),
    ("get", {"clientToken": "x" * 65}),
    ("get", {"clientToken": 7}),
    ("{job}/get", {"executionNumber": "first"}),
    ("{job}/update", {}),
    ("{job}/update", {"status": "DONE"}),
    ("{job}/update", {"status": "FAILED", "expectedVersion": "one"}),
    ("{job}/update", {"status": "FAILED", "statusDetails": {"k": "x" * 1025}}),
    ("{job}/update", {"status": "FAILED", "statusDetails": {"k": 1}}),
    ("{job}/update", {"status": "IN_PROGRESS", "stepTimeoutInMinutes": -2}),
)


@pytest.fixture
def device(make_device: MakeDevice, unique: str) -> DeviceIdentity:
    return make_device(f"messages-{unique}")


@pytest.fixture
def job_id(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, unique: str
) -> Iterator[str]:
    address = cloud.address
    thing = f"arn:aws:iot:{address.region}:{address.account_id}:thing/{device.thing_name}"
    clients.iot.create_job(jobId=f"messages-{unique}", targets=[thing], document="{}")
    yield f"messages-{unique}"
    clients.iot.delete_job(jobId=f"messages-{unique}", force=True)


async def ask(client: aiomqtt.Client, topic: str, request: dict[str, Any]) -> tuple[str, Any]:
    """The last level of the answer's topic, and the answer."""
    await client.publish(topic, json.dumps(request), qos=1)
    async with asyncio.timeout(10):
        message = await anext(aiter(client.messages))
    return message.topic.value.rpartition("/")[2], json.loads(message.payload)


async def test_what_aws_refuses_is_rejected_and_changes_nothing(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, job_id: str
) -> None:
    base = f"$aws/things/{device.thing_name}/jobs"
    found = []
    async with connected(cloud, device) as client:
        for level in ("get", "start-next", "+/get", "+/update"):
            await client.subscribe(f"{base}/{level}/+", qos=1)
        for suffix, request in REFUSED:
            asked = {"clientToken": "t"} | request
            verdict, answer = await ask(client, f"{base}/{suffix.format(job=job_id)}", asked)
            found.append((suffix, request, verdict, answer.get("code")))
        # The quoted version is what AWS's own device library sends.
        taken = {"status": "IN_PROGRESS", "expectedVersion": "1", "stepTimeoutInMinutes": 10080}
        accepted, _ = await ask(client, f"{base}/{job_id}/update", taken)

    assert found == [(*case, "rejected", "InvalidRequest") for case in REFUSED]
    assert accepted == "accepted"
    execution = clients.iot.describe_job_execution(jobId=job_id, thingName=device.thing_name)
    # One update: none of the refused ones has left a mark.
    assert execution["execution"]["versionNumber"] == 2


async def test_an_execution_started_before_its_turn_is_the_next_one(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, unique: str
) -> None:
    # aws-facts F2: IN_PROGRESS first; notify-next carries it, notify is not sent.
    base = f"$aws/things/{device.thing_name}/jobs"
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    first, second = f"first-{unique}", f"second-{unique}"
    for job_id in (first, second):
        clients.iot.create_job(jobId=job_id, targets=[thing], document='{"k": 1}')
    found = []
    async with connected(cloud, device) as client:
        for level in ("notify", "notify-next", "start-next/+", "+/update/+"):
            await client.subscribe(f"{base}/{level}", qos=1)
        for suffix in (f"{second}/update", f"{second}/update", "start-next"):
            await client.publish(f"{base}/{suffix}", '{"status": "IN_PROGRESS"}', qos=1)
        async with asyncio.timeout(10):
            async for message in client.messages:
                answer = json.loads(message.payload)
                level = message.topic.value.removeprefix(f"{base}/")
                found.append((level, (answer.get("execution") or {}).get("jobId")))
                if level == "start-next/accepted":
                    break

    assert found == [
        (f"{second}/update/accepted", None),
        ("notify-next", second),
        (f"{second}/update/accepted", None),
        ("start-next/accepted", second),
    ]
    assert answer["execution"]["jobDocument"] == {"k": 1}
    for job_id in (first, second):
        clients.iot.delete_job(jobId=job_id, force=True)


def test_ten_pending_executions_are_listed(
    clients: AwsClients, device: DeviceIdentity, unique: str
) -> None:
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    job_ids = [f"many-{unique}-{number}" for number in range(11)]
    for job_id in job_ids:
        clients.iot.create_job(jobId=job_id, targets=[thing], document="{}")
    jobs = clients.iot_jobs_data
    jobs.update_job_execution(jobId=job_ids[-1], thingName=device.thing_name, status="IN_PROGRESS")
    pending = jobs.get_pending_job_executions(thingName=device.thing_name)

    assert [one["jobId"] for one in pending["inProgressJobs"]] == job_ids[-1:]
    assert [one["jobId"] for one in pending["queuedJobs"]] == job_ids[:9]
