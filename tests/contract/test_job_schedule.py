"""When the local cloud's jobs notify, cancel and go: schedules, a minute's share, slow deletion."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support import waiting
from tests.support.cloud_time import cloud_time_ms

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otactl.cloud import RunningCloud

until = partial(waiting.wait_until, seconds=20)

#: A minute of the cloud is a tenth of a second here, and half an hour three seconds.
SPEED = 600
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture(scope="module")
def fast_cloud() -> Iterator[RunningCloud]:
    settings = CloudSettings(
        account_id="123456789012", speed=SPEED, executions_per_minute=2, delete_job_seconds=8
    )
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def paced() -> Iterator[AwsClients]:
    """Where a minute is a second: what happens within one is told from what happens after it."""
    settings = CloudSettings(account_id="123456789012", speed=60, executions_per_minute=2)
    with start_local_cloud(settings) as cloud:
        yield AwsClients(AwsSettings.for_local_cloud(cloud.address))


@pytest.fixture(scope="module")
def fast(fast_cloud: RunningCloud) -> AwsClients:
    return AwsClients(AwsSettings.for_local_cloud(fast_cloud.address))


@pytest.fixture
def now(fast_cloud: RunningCloud) -> Callable[[], datetime]:
    def cloud_time() -> datetime:
        now_ms = cloud_time_ms(fast_cloud.address, time.time_ns() // 1_000_000)
        return datetime.fromtimestamp(now_ms / 1000, UTC)

    return cloud_time


def impatient(cloud: RunningCloud) -> Any:
    """A client that tries nothing twice."""
    return boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def make_things(clients: AwsClients, unique: str, count: int) -> list[str]:
    return [
        clients.iot.create_thing(thingName=f"{unique}-{number}")["thingArn"]
        for number in range(count)
    ]


def job(clients: AwsClients, job_id: str) -> Any:
    return clients.iot.describe_job(jobId=job_id)["job"]


def executions(clients: AwsClients, job_id: str) -> list[dict[str, Any]]:
    listed = clients.iot.list_job_executions_for_job(jobId=job_id)["executionSummaries"]
    return [one["jobExecutionSummary"] for one in listed]


def minute_of(moment: datetime) -> datetime:
    """The next whole minute, as schedules name it."""
    return (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)


def create_half_hour_job(
    fast: AwsClients, unique: str, targets: list[str], now: datetime, behavior: str, **more: Any
) -> tuple[datetime, datetime]:
    """Create a job that runs for half an hour, later; returns its start and end."""
    # A busy machine may take five seconds from here to the request.
    start = minute_of(now + HALF_HOUR + timedelta(minutes=50))
    end = start + HALF_HOUR
    fast.iot.create_job(
        jobId=unique,
        targets=targets,
        document="{}",
        schedulingConfig={
            "startTime": f"{start:%Y-%m-%dT%H:%M}",
            "endTime": f"{end:%Y-%m-%dT%H:%M}",
            "endBehavior": behavior,
        },
        **more,
    )
    return start, end


@pytest.mark.parametrize(
    ("behavior", "statuses", "ends"),
    [
        ("STOP_ROLLOUT", ["IN_PROGRESS", "QUEUED"], "IN_PROGRESS"),
        ("CANCEL", ["CANCELED", "IN_PROGRESS"], "IN_PROGRESS"),
        ("FORCE_CANCEL", ["CANCELED", "CANCELED"], "COMPLETED"),
    ],
)
def test_a_job_begins_and_ends_when_its_schedule_says(
    *,
    fast: AwsClients,
    now: Callable[[], datetime],
    unique: str,
    behavior: str,
    statuses: list[str],
    ends: str,
) -> None:
    targets = make_things(fast, unique, 3)
    start, end = create_half_hour_job(fast, unique, targets, now(), behavior)
    waiting = job(fast, unique)
    nothing = executions(fast, unique)
    until(lambda: len(executions(fast, unique)) == 3)
    begun = min(one["queuedAt"] for one in executions(fast, unique))
    device = fast.iot_jobs_data
    device.start_next_pending_job_execution(thingName=f"{unique}-0")
    device.update_job_execution(jobId=unique, thingName=f"{unique}-2", status="SUCCEEDED")
    until(lambda: now() > end + timedelta(minutes=10))
    found = until(lambda: job(fast, unique)["status"] == ends and job(fast, unique))

    assert (waiting["status"], nothing) == ("SCHEDULED", [])
    assert start <= begun < end
    assert sorted(one["status"] for one in executions(fast, unique)) == [*statuses, "SUCCEEDED"]
    if ends == "IN_PROGRESS":
        for number in (0, 1):
            if executions_of(fast, unique, number) in ("QUEUED", "IN_PROGRESS"):
                device.update_job_execution(
                    jobId=unique, thingName=f"{unique}-{number}", status="SUCCEEDED"
                )
        found = job(fast, unique)
    assert found["status"] == "COMPLETED"


def executions_of(clients: AwsClients, job_id: str, number: int) -> str:
    described = clients.iot.describe_job_execution(jobId=job_id, thingName=f"{job_id}-{number}")
    return described["execution"]["status"]


def test_a_continuous_job_notifies_in_its_maintenance_windows_only(
    fast: AwsClients, unique: str
) -> None:
    arn = fast.iot.create_thing_group(thingGroupName=unique)["thingGroupArn"]
    make_things(fast, unique, 3)
    windows = [{"startTime": "cron(0/30 * * * ? *)", "durationInMinutes": 10}]
    fast.iot.create_job(
        jobId=unique,
        targets=[arn],
        document="{}",
        targetSelection="CONTINUOUS",
        schedulingConfig={"maintenanceWindows": windows},
    )
    for number in range(3):
        until(lambda: job(fast, unique)["status"] == "SCHEDULED")
        fast.iot.add_thing_to_thing_group(thingGroupName=unique, thingName=f"{unique}-{number}")
        until(lambda wanted=number + 1: len(executions(fast, unique)) == wanted)  # type: ignore[misc]
    rollouts = job(fast, unique)["scheduledJobRollouts"]
    fast.iot.cancel_job(jobId=unique)

    queued = [one["queuedAt"] for one in executions(fast, unique)]
    # A few minutes of the cloud pass between two looks at the clock.
    assert all(moment.minute % 30 <= 16 for moment in queued), queued
    assert len(rollouts) == 7
    assert {one["startTime"][-3:] for one in rollouts} == {":00", ":30"}
    assert job(fast, unique)["status"] == "CANCELED"


def test_a_scheduled_job_can_be_cancelled_and_one_too_soon_is_refused(
    fast: AwsClients, now: Callable[[], datetime], unique: str
) -> None:
    (target,) = make_things(fast, unique, 1)

    def create(minutes: int) -> None:
        start = minute_of(now() + timedelta(minutes=minutes))
        schedule = {"startTime": f"{start:%Y-%m-%dT%H:%M}"}
        fast.iot.create_job(
            jobId=unique, targets=[target], document="{}", schedulingConfig=schedule
        )

    with pytest.raises(ClientError, match="at least 30 minutes"):
        create(10)
    create(600)
    fast.iot.cancel_job(jobId=unique)

    assert job(fast, unique)["status"] == "CANCELED"
    assert executions(fast, unique) == []


def test_without_a_rollout_a_minutes_share_is_notified_and_cancelled_in_a_minute(
    paced: AwsClients, unique: str
) -> None:
    paced.iot.create_job(jobId=unique, targets=make_things(paced, unique, 5), document="{}")
    until(lambda: len(executions(paced, unique)) == 5)
    queued = sorted(one["queuedAt"].timestamp() for one in executions(paced, unique))
    paced.iot.cancel_job(jobId=unique)
    busy = job(paced, unique)["isConcurrent"]
    until(lambda: {one["status"] for one in executions(paced, unique)} == {"CANCELED"})
    canceled = sorted(one["lastUpdatedAt"].timestamp() for one in executions(paced, unique))

    assert busy
    assert not job(paced, unique)["isConcurrent"]
    for times in (queued, canceled):
        assert times[1] - times[0] < 60
        # The next two are a minute behind the first two, not beside them.
        assert [later - earlier >= 55 for earlier, later in pairwise(times[1::2])] == [True]
        assert times[2] - times[1] >= 30


def test_deletion_takes_its_time_and_ten_are_all_at_once(
    fast_cloud: RunningCloud, fast: AwsClients, unique: str
) -> None:
    once = impatient(fast_cloud)
    targets = make_things(fast, unique, 1)
    names = [f"{unique}-{number}" for number in range(11)]
    for name in names:
        fast.iot.create_job(jobId=name, targets=targets, document="{}")
    began = time.monotonic()
    for name in names[:10]:
        fast.iot.delete_job(jobId=name, force=True)

    refused = []
    for call in (
        lambda: once.delete_job(jobId=names[10], force=True),
        lambda: once.delete_job(jobId=names[0], force=True),
        lambda: once.cancel_job(jobId=names[0]),
        lambda: once.create_job(jobId=names[0], targets=targets, document="{}"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        refused.append(error.value.response["Error"]["Code"])
    status, pending = job(fast, names[0])["status"], fast.iot_jobs_data
    left = pending.get_pending_job_executions(thingName=f"{unique}-0")["queuedJobs"]
    until(lambda: names[0] not in {one["jobId"] for one in fast.iot.list_jobs()["jobs"]})

    assert refused == [
        "LimitExceededException",
        "InvalidStateTransitionException",
        "InvalidRequestException",
        "ResourceAlreadyExistsException",
    ]
    assert status == "DELETION_IN_PROGRESS"
    assert [one["jobId"] for one in left] == [names[10]]
    # Real seconds, at every speed.
    assert time.monotonic() - began >= 8
    fast.iot.delete_job(jobId=names[10], force=True)


def test_a_continuous_job_takes_further_groups(clients: AwsClients, unique: str) -> None:
    arns = [
        clients.iot.create_thing_group(thingGroupName=f"{unique}-{name}")["thingGroupArn"]
        for name in "ab"
    ]
    things = make_things(clients, unique, 2)
    for name, number in (("a", 0), ("b", 0), ("b", 1)):
        clients.iot.add_thing_to_thing_group(
            thingGroupName=f"{unique}-{name}", thingName=f"{unique}-{number}"
        )
    for job_id, selection in ((unique, "CONTINUOUS"), (f"{unique}-s", "SNAPSHOT")):
        clients.iot.create_job(
            jobId=job_id, targets=arns[:1], document="{}", targetSelection=selection
        )
    answer = clients.iot.associate_targets_with_job(jobId=unique, targets=arns[1:])
    until(lambda: len(executions(clients, unique)) == 2)
    refused = []
    for job_id, targets in (
        (unique, things),
        (f"{unique}-s", arns),
        ("no-such-job", arns),
        (unique, [f"{arns[0]}-none"]),
    ):
        with pytest.raises(ClientError) as error:
            clients.iot.associate_targets_with_job(jobId=job_id, targets=targets)
        refused.append(error.value.response["Error"]["Code"])

    assert answer["jobId"] == unique
    assert job(clients, unique)["targets"] == arns
    assert refused == [
        "InvalidRequestException",
        "InvalidRequestException",
        "ResourceNotFoundException",
        "ResourceNotFoundException",
    ]
    for job_id in (unique, f"{unique}-s"):
        clients.iot.delete_job(jobId=job_id, force=True)


def test_a_scheduled_snapshot_job_is_for_the_things_of_its_creation_and_is_not_updated(
    fast_cloud: RunningCloud, fast: AwsClients, now: Callable[[], datetime], unique: str
) -> None:
    arn = fast.iot.create_thing_group(thingGroupName=unique)["thingGroupArn"]
    make_things(fast, unique, 2)
    fast.iot.add_thing_to_thing_group(thingGroupName=unique, thingName=f"{unique}-0")
    start = minute_of(now() + HALF_HOUR + timedelta(minutes=50))
    fast.iot.create_job(
        jobId=unique,
        targets=[arn],
        document="{}",
        schedulingConfig={"startTime": f"{start:%Y-%m-%dT%H:%M}"},
    )
    fast.iot.add_thing_to_thing_group(thingGroupName=unique, thingName=f"{unique}-1")
    with pytest.raises(ClientError, match="SCHEDULED cannot be updated"):
        impatient(fast_cloud).update_job(jobId=unique, description="later")
    until(lambda: job(fast, unique)["status"] == "IN_PROGRESS")
    until(lambda: executions(fast, unique))

    assert len(executions(fast, unique)) == 1
    fast.iot.delete_job(jobId=unique, force=True)


def test_after_the_schedules_end_nothing_is_retried(
    fast: AwsClients, now: Callable[[], datetime], unique: str
) -> None:
    targets = make_things(fast, unique, 1)
    retries = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 3}]}
    _, end = create_half_hour_job(
        fast, unique, targets, now(), "STOP_ROLLOUT", jobExecutionsRetryConfig=retries
    )
    until(lambda: executions(fast, unique))
    until(lambda: now() > end)
    device = fast.iot_jobs_data
    device.update_job_execution(jobId=unique, thingName=f"{unique}-0", status="FAILED")
    until(lambda: job(fast, unique)["status"] == "COMPLETED")

    assert [one["status"] for one in executions(fast, unique)] == ["FAILED"]


def test_a_thing_that_left_the_target_is_not_retried(clients: AwsClients, unique: str) -> None:
    # aws-facts A8: pending retries are dropped on leave.
    parent = clients.iot.create_thing_group(thingGroupName=unique)["thingGroupArn"]
    clients.iot.create_thing_group(thingGroupName=f"{unique}-child", parentGroupName=unique)
    make_things(clients, unique, 2)
    names = [f"{unique}-{number}" for number in range(2)]
    for name in names:
        clients.iot.add_thing_to_thing_group(thingGroupName=f"{unique}-child", thingName=name)
    clients.iot.create_job(
        jobId=unique,
        targets=[parent],
        document="{}",
        targetSelection="CONTINUOUS",
        jobExecutionsRetryConfig={
            "criteriaList": [{"failureType": "FAILED", "numberOfRetries": 3}]
        },
    )
    device = clients.iot_jobs_data
    for name in names:
        device.start_next_pending_job_execution(thingName=name)
    clients.iot.remove_thing_from_thing_group(thingGroupName=f"{unique}-child", thingName=names[1])
    for name in names:
        device.update_job_execution(jobId=unique, thingName=name, status="FAILED")
    pending = [device.get_pending_job_executions(thingName=name)["queuedJobs"] for name in names]

    assert [len(one) for one in pending] == [1, 0]
    clients.iot.delete_job(jobId=unique, force=True)
