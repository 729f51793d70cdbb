"""What the local cloud adds to MiniStack's jobs: retries, timeouts that happen, a faster clock."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import urllib.request
from datetime import UTC
from typing import TYPE_CHECKING, Any

import aiomqtt
import pytest
from tests.support.cloud_time import cloud_time_ms
from tests.support.waiting import wait_until

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.forecast.ensemble import Scenario, play
from otactl.forecast.profile import FleetProfile
from otactl.model.job_configuration import (
    JobConfiguration,
    MaintenanceWindow,
    Rollout,
    Scheduling,
)
from otactl.rules.schedule import is_open
from otactl.testing import registered_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

SPEED = 60.0
MINUTE = 60 / SPEED
WINDOWED_THINGS = 7


@pytest.fixture(scope="module")
def fast_cloud() -> Iterator[RunningCloud]:
    settings = CloudSettings(account_id="123456789012", speed=SPEED)
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def fast(fast_cloud: RunningCloud) -> AwsClients:
    clients = AwsClients(AwsSettings.for_local_cloud(fast_cloud.address))
    clients.iot.update_event_configurations(
        eventConfigurations={"JOB": {"Enabled": True}, "JOB_EXECUTION": {"Enabled": True}}
    )
    return clients


@pytest.fixture
def thing(
    fast_cloud: RunningCloud, fast: AwsClients, tmp_path: Path, unique: str
) -> Iterator[DeviceIdentity]:
    with registered_device(
        fast,
        account_id=fast_cloud.address.account_id,
        thing_name=f"thing-{unique}",
        directory=tmp_path,
    ) as device:
        yield device


@pytest.fixture
async def device(fast_cloud: RunningCloud, thing: DeviceIdentity) -> AsyncIterator[aiomqtt.Client]:
    """The thing, connected and subscribed to what jobs tell it."""
    context = ssl.create_default_context(cafile=fast_cloud.address.ca_file)
    context.load_cert_chain(thing.certificate_file, thing.private_key_file)
    async with aiomqtt.Client(
        fast_cloud.address.mqtt_host,
        fast_cloud.address.mqtt_port,
        identifier=thing.thing_name,
        tls_context=context,
    ) as client:
        await client.subscribe(f"$aws/things/{thing.thing_name}/jobs/#")
        yield client


async def next_on(device: aiomqtt.Client, ending: str) -> dict[str, Any]:
    """The next message on a topic with that ending."""
    async with asyncio.timeout(20):
        async for message in device.messages:
            if message.topic.value.endswith(ending):
                return json.loads(message.payload)
    raise AssertionError("the connection ended")


def thing_arn(cloud: RunningCloud, name: str) -> str:
    return f"arn:aws:iot:{cloud.address.region}:{cloud.address.account_id}:thing/{name}"


def executions(clients: AwsClients, job_id: str) -> list[dict[str, Any]]:
    summaries = clients.iot.list_job_executions_for_job(jobId=job_id)["executionSummaries"]
    return sorted(
        (summary["jobExecutionSummary"] for summary in summaries),
        key=lambda execution: execution["executionNumber"],
    )


def wait_for_job(clients: AwsClients, job_id: str, status: str, seconds: float = 20) -> Any:
    def reached() -> Any:
        job = clients.iot.describe_job(jobId=job_id)["job"]
        return job if job["status"] == status else None

    return wait_until(reached, f"{job_id} {status}", seconds)


async def test_a_failed_execution_is_tried_again_until_no_retry_is_left(
    fast_cloud: RunningCloud,
    fast: AwsClients,
    thing: DeviceIdentity,
    device: aiomqtt.Client,
    unique: str,
) -> None:
    job_id = f"retry-{unique}"
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        jobExecutionsRetryConfig={
            "criteriaList": [{"failureType": "FAILED", "numberOfRetries": 2}]
        },
    )
    numbers = []
    for _ in range(3):
        reported = await next_on(device, "/notify-next")
        numbers.append(
            (reported["execution"]["executionNumber"], reported["execution"]["versionNumber"])
        )
        await device.publish(
            f"$aws/things/{thing.thing_name}/jobs/{job_id}/update", '{"status":"FAILED"}', qos=1
        )
        assert await next_on(device, "/update/accepted")
    last = await next_on(device, "/notify-next")

    assert numbers == [(1, 1), (2, 1), (3, 1)]
    assert "execution" not in last
    job = wait_for_job(fast, job_id, "COMPLETED")
    assert job["jobProcessDetails"]["numberOfFailedThings"] == 3
    assert [(one["status"], one["retryAttempt"]) for one in executions(fast, job_id)] == [
        ("FAILED", 0),
        ("FAILED", 1),
        ("FAILED", 2),
    ]


async def test_a_rejected_execution_is_never_tried_again(
    fast_cloud: RunningCloud,
    fast: AwsClients,
    thing: DeviceIdentity,
    device: aiomqtt.Client,
    unique: str,
) -> None:
    job_id = f"reject-{unique}"
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        jobExecutionsRetryConfig={"criteriaList": [{"failureType": "ALL", "numberOfRetries": 9}]},
    )
    await next_on(device, "/notify-next")
    await device.publish(
        f"$aws/things/{thing.thing_name}/jobs/{job_id}/update", '{"status":"REJECTED"}', qos=1
    )

    wait_for_job(fast, job_id, "COMPLETED")
    assert [one["status"] for one in executions(fast, job_id)] == ["REJECTED"]


async def test_a_silent_device_times_out_though_nobody_looks_and_is_tried_again(
    fast_cloud: RunningCloud,
    fast: AwsClients,
    thing: DeviceIdentity,
    device: aiomqtt.Client,
    unique: str,
) -> None:
    job_id = f"silent-{unique}"
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        timeoutConfig={"inProgressTimeoutInMinutes": 1},
        jobExecutionsRetryConfig={
            "criteriaList": [{"failureType": "TIMED_OUT", "numberOfRetries": 1}]
        },
    )
    started = time.monotonic()
    for attempt in (1, 2):
        reported = await next_on(device, "/notify-next")
        assert reported["execution"]["executionNumber"] == attempt
        await device.publish(f"$aws/things/{thing.thing_name}/jobs/start-next", "{}", qos=1)
    # Nobody reads the job from here on: that the thing hears of it is the proof.
    last = await next_on(device, "/notify-next")
    took = time.monotonic() - started

    assert "execution" not in last
    assert 2 * MINUTE <= took < 10 * MINUTE
    assert [one["status"] for one in executions(fast, job_id)] == ["TIMED_OUT", "TIMED_OUT"]
    assert fast.iot.describe_job(jobId=job_id)["job"]["status"] == "COMPLETED"


@pytest.mark.parametrize("verb", ["start-next", "update"])
async def test_a_step_timer_set_over_mqtt_ends_a_silent_step_before_the_job_would(
    *,
    fast_cloud: RunningCloud,
    fast: AwsClients,
    thing: DeviceIdentity,
    device: aiomqtt.Client,
    unique: str,
    verb: str,
) -> None:
    job_id = f"step-{unique}"
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        timeoutConfig={"inProgressTimeoutInMinutes": 600},
    )
    jobs = f"$aws/things/{thing.thing_name}/jobs"
    await next_on(device, "/notify-next")
    first = {} if verb == "update" else {"stepTimeoutInMinutes": 2}
    await device.publish(f"{jobs}/start-next", json.dumps(first), qos=1)
    started = await next_on(device, "/start-next/accepted")
    if verb == "update":
        # -1 discards a timer; the last word counts.
        for minutes in (1, -1, 2):
            step = {"status": "IN_PROGRESS", "stepTimeoutInMinutes": minutes}
            await device.publish(f"{jobs}/{job_id}/update", json.dumps(step), qos=1)
            await next_on(device, "/update/accepted")
            await device.publish(f"{jobs}/{job_id}/get", "{}", qos=1)
            started = await next_on(device, "/get/accepted")
            left = started["execution"]["approximateSecondsBeforeTimedOut"]
            assert left == pytest.approx(60 * (minutes if minutes > 0 else 600), abs=200)
    last = await next_on(device, "/notify-next")

    assert started["execution"]["approximateSecondsBeforeTimedOut"] <= 120
    assert "execution" not in last
    assert [one["status"] for one in executions(fast, job_id)] == ["TIMED_OUT"]


def test_a_rollout_takes_cloud_minutes(
    fast_cloud: RunningCloud, fast: AwsClients, unique: str
) -> None:
    names = [f"slow-{unique}-{number}" for number in range(6)]
    targets = [fast.iot.create_thing(thingName=name)["thingArn"] for name in names]
    job_id = f"rollout-{unique}"
    started = time.monotonic()
    fast.iot.create_job(
        jobId=job_id,
        targets=targets,
        document="{}",
        jobExecutionsRolloutConfig={"maximumPerMinute": 2},
    )
    seen: dict[int, float] = {}
    while 6 not in seen:
        count = len(executions(fast, job_id))
        seen.setdefault(count, time.monotonic() - started)
        assert seen[count] < 20
        time.sleep(0.02)

    assert sorted(seen) == [2, 4, 6]
    assert seen[4] == pytest.approx(MINUTE, abs=0.5)
    assert seen[6] == pytest.approx(2 * MINUTE, abs=0.7)
    queued_at = [one["queuedAt"].timestamp() for one in executions(fast, job_id)]
    assert max(queued_at) - min(queued_at) == pytest.approx(120, abs=30)
    fast.iot.cancel_job(jobId=job_id)


def test_the_address_tells_the_clouds_time(fast_cloud: RunningCloud, fast: AwsClients) -> None:
    name = f"clock-{time.monotonic_ns()}"
    arn = fast.iot.create_thing(thingName=name)["thingArn"]
    fast.iot.create_job(jobId=name, targets=[arn], document="{}")
    created_at = fast.iot.describe_job(jobId=name)["job"]["createdAt"].timestamp()

    now_ms = cloud_time_ms(fast_cloud.address, time.time_ns() // 1_000_000)
    assert created_at == pytest.approx(now_ms / 1000, abs=2 * SPEED)
    fast.iot.cancel_job(jobId=name)


def test_signatures_and_presigned_urls_hold_in_a_fast_cloud(fast: AwsClients, unique: str) -> None:
    bucket = f"fast-{unique}"
    fast.s3.create_bucket(Bucket=bucket)
    fast.s3.put_object(Bucket=bucket, Key="k", Body=b"bytes")
    url = fast.s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60
    )
    with urllib.request.urlopen(url) as answer:  # noqa: S310  # of our own cloud
        assert answer.read() == b"bytes"


def test_things_are_notified_in_maintenance_windows_alone_as_the_forecast_says(
    fast_cloud: RunningCloud, fast: AwsClients, unique: str
) -> None:
    group = f"windowed-{unique}"
    fast.iot.create_thing_group(thingGroupName=group)
    for number in range(WINDOWED_THINGS):
        fast.iot.create_thing(thingName=f"{group}-{number}")
        fast.iot.add_thing_to_thing_group(thingGroupName=group, thingName=f"{group}-{number}")
    windows = Scheduling(
        maintenance_windows=(
            MaintenanceWindow(start_time="cron(0/5 * ? * * *)", duration_minutes=2),
        )
    )
    address = fast_cloud.address
    fast.iot.create_job(
        jobId=group,
        targets=[f"arn:aws:iot:{address.region}:{address.account_id}:thinggroup/{group}"],
        document="{}",
        targetSelection="CONTINUOUS",
        jobExecutionsRolloutConfig={"maximumPerMinute": 2},
        schedulingConfig={
            "maintenanceWindows": [{"startTime": "cron(0/5 * ? * * *)", "durationInMinutes": 2}]
        },
    )
    deadline = time.monotonic() + 60
    while len(queued := executions(fast, group)) < WINDOWED_THINGS:
        assert time.monotonic() < deadline, queued
        time.sleep(0.05)
    created = fast.iot.describe_job(jobId=group)["job"]["createdAt"].astimezone(UTC)
    moments = sorted(execution["queuedAt"].astimezone(UTC) for execution in queued)

    closed = [str(m) for m in moments if not is_open(windows.maintenance_windows, m)]
    assert not closed, (created, moments)
    job = JobConfiguration(rollout=Rollout(maximum_per_minute=2), scheduling=windows)
    made = play(
        Scenario(
            job=job,
            profile=FleetProfile(),
            things=WINDOWED_THINGS,
            image_bytes=1,
            runs=1,
            horizon_days=1,
            begins=created,
        )
    )
    notified = made[0].curves
    last = float(notified.minutes_until(notified.notified, WINDOWED_THINGS))
    # A batch of the cloud comes a little after the full minute, so that a window may hold one less.
    assert abs((moments[-1] - created).total_seconds() / 60 - last) <= 5


async def test_what_fails_between_two_windows_is_retried_in_the_next(
    fast_cloud: RunningCloud,
    fast: AwsClients,
    thing: DeviceIdentity,
    device: aiomqtt.Client,
    unique: str,
) -> None:
    job_id = f"between-{unique}"
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        targetSelection="CONTINUOUS",
        schedulingConfig={
            "maintenanceWindows": [{"startTime": "cron(0/4 * ? * * *)", "durationInMinutes": 2}]
        },
        jobExecutionsRetryConfig={
            "criteriaList": [{"failureType": "FAILED", "numberOfRetries": 1}]
        },
    )
    first = await next_on(device, "/notify-next")
    await asyncio.to_thread(wait_for_job, fast, job_id, "SCHEDULED")
    await device.publish(
        f"$aws/things/{thing.thing_name}/jobs/{job_id}/update", '{"status":"FAILED"}', qos=1
    )
    nothing = await next_on(device, "/notify-next")
    second = await next_on(device, "/notify-next")
    queued = executions(fast, job_id)[-1]["queuedAt"].astimezone(UTC)
    fast.iot.delete_job(jobId=job_id, force=True)

    assert "execution" not in nothing
    assert [one["execution"]["executionNumber"] for one in (first, second)] == [1, 2]
    assert queued.minute % 4 < 2


async def test_an_abort_does_not_wait_for_the_next_window(
    fast_cloud: RunningCloud, fast: AwsClients, thing: DeviceIdentity, unique: str
) -> None:
    job_id = f"aborted-{unique}"
    criterion = {
        "failureType": "FAILED",
        "action": "CANCEL",
        "thresholdPercentage": 100,
        "minNumberOfExecutedThings": 1,
    }
    fast.iot.create_job(
        jobId=job_id,
        targets=[thing_arn(fast_cloud, thing.thing_name)],
        document="{}",
        targetSelection="CONTINUOUS",
        schedulingConfig={
            "maintenanceWindows": [{"startTime": "cron(0/4 * ? * * *)", "durationInMinutes": 2}]
        },
        abortConfig={"criteriaList": [criterion]},
    )
    await asyncio.to_thread(wait_until, lambda: executions(fast, job_id), "notified", 20)
    await asyncio.to_thread(wait_for_job, fast, job_id, "SCHEDULED")
    fast.iot_jobs_data.update_job_execution(
        jobId=job_id, thingName=thing.thing_name, status="FAILED"
    )

    assert fast.iot.describe_job(jobId=job_id)["job"]["status"] == "CANCELED"


def test_a_thing_that_comes_back_between_two_windows_runs_the_job_again(
    fast: AwsClients, thing: DeviceIdentity, unique: str
) -> None:
    # aws-facts A8: a thing that rejoins after its execution has ended gets the next one.
    name = f"back-{unique}"
    member = {"thingGroupName": name, "thingName": thing.thing_name}
    group = fast.iot.create_thing_group(thingGroupName=name)["thingGroupArn"]
    fast.iot.add_thing_to_thing_group(**member)
    fast.iot.create_job(
        jobId=name,
        targets=[group],
        document="{}",
        targetSelection="CONTINUOUS",
        schedulingConfig={
            "maintenanceWindows": [{"startTime": "cron(0/4 * ? * * *)", "durationInMinutes": 2}]
        },
    )
    wait_until(lambda: executions(fast, name), "notified", 20)
    wait_for_job(fast, name, "SCHEDULED")
    fast.iot_jobs_data.update_job_execution(
        jobId=name, thingName=thing.thing_name, status="SUCCEEDED"
    )
    fast.iot.remove_thing_from_thing_group(**member)
    fast.iot.add_thing_to_thing_group(**member)
    wait_until(lambda: len(executions(fast, name)) == 2, "notified again", 20)
    queued = executions(fast, name)[-1]["queuedAt"].astimezone(UTC)
    fast.iot.delete_job(jobId=name, force=True)

    assert queued.minute % 4 < 2


@pytest.mark.parametrize("start", ["cron(99 2 ? * * *)", "every monday"])
def test_a_window_that_is_no_cron_expression_is_refused(
    fast: AwsClients, start: str, unique: str
) -> None:
    fast.iot.create_thing_group(thingGroupName=f"refused-{unique}")
    arn = fast.iot.describe_thing_group(thingGroupName=f"refused-{unique}")["thingGroupArn"]
    with pytest.raises(fast.iot.exceptions.InvalidRequestException, match="maintenance window"):
        fast.iot.create_job(
            jobId=f"refused-{unique}",
            targets=[arn],
            document="{}",
            targetSelection="CONTINUOUS",
            schedulingConfig={"maintenanceWindows": [{"startTime": start, "durationInMinutes": 2}]},
        )
