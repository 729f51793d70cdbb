"""Our adapters keep the Protocols of deploy/ports.py, in the local cloud and in a real account.

``pytest -m aws`` runs the latter: see CONTRIBUTING.md.
"""

from __future__ import annotations

import hashlib
import time

import pytest

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.jobs import IotJobs
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.registry import IotRegistry
from otactl.aws.streams import IotStreams
from otactl.deploy.ownership import describe_ours
from otactl.deploy.ports import CreateJobRequest, StreamRequest
from otactl.errors import AwsRefused, UserMistake
from otactl.fleet import FleetDirectory
from otactl.model.alarm import Alarm, AlarmType
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    PresignedUrl,
    RateIncreaseCriteria,
    RetryCriterion,
    Rollout,
)
from otactl.model.status import ExecutionStatus, FailureType, JobStatus
from otactl.operations.fleet_provisioning import create_fleet, delete_fleet, plan_fleet


@pytest.fixture
def clients(any_account):
    return any_account.clients


@pytest.fixture
def store(clients):
    return S3ObjectStore(clients)


@pytest.fixture
def key(any_account, unique):
    """A key in the account's bucket that no other test has."""
    return f"{any_account.prefix}/{unique}/image.bin"


@pytest.fixture
def name(any_account, unique):
    """A name that no other test has."""
    return f"{any_account.prefix}-{unique}"


@pytest.fixture
def image(tmp_path, unique):
    path = tmp_path / "image.bin"
    path.write_bytes(unique.encode() * 1000)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_image_is_uploaded_once_and_found_afterwards(store, any_account, key, image):
    path, sha256 = image

    first = store.put_file(any_account.bucket, key, path, sha256=sha256, metadata={"by": "one"})
    second = store.put_file(any_account.bucket, key, path, sha256=sha256, metadata={"by": "two"})

    assert first.created
    assert not second.created
    assert second.sha256 == sha256
    assert second.metadata["by"] == "one"


def test_an_image_that_changed_since_it_was_measured_is_refused(
    store, any_account, key, image, tmp_path
):
    path, sha256 = image
    (tmp_path / "image.bin").write_bytes(b"another image")

    with pytest.raises(UserMistake, match="has changed since it was planned"):
        store.put_file(any_account.bucket, key, path, sha256=sha256, metadata={})

    assert store.find(any_account.bucket, key) is None


def test_a_key_that_holds_something_else_is_refused_not_overwritten(
    store, any_account, key, image, clients
):
    path, sha256 = image
    clients.s3.put_object(
        Bucket=any_account.bucket, Key=key, Body=b"mine", ChecksumAlgorithm="SHA256"
    )

    with pytest.raises(UserMistake, match="holds something else"):
        store.put_file(any_account.bucket, key, path, sha256=sha256, metadata={})

    assert clients.s3.get_object(Bucket=any_account.bucket, Key=key)["Body"].read() == b"mine"


def test_the_version_that_was_stored_is_deleted(store, any_account, key, image, clients):
    path, sha256 = image

    stored = store.put_file(any_account.bucket, key, path, sha256=sha256, metadata={})
    store.delete(any_account.bucket, key, stored.version_id)

    assert "Versions" not in clients.s3.list_object_versions(Bucket=any_account.bucket, Prefix=key)


def test_claims_name_the_deployments_that_use_an_object(store, any_account, key, clients):
    store.claim(any_account.bucket, key, "one")
    store.claim(any_account.bucket, key, "two")
    store.claim(any_account.bucket, f"{key}y", "three")

    assert store.release(any_account.bucket, key, "one") == {"two"}
    assert store.release(any_account.bucket, key, "one") == {"two"}
    assert store.release(any_account.bucket, key, "two") == frozenset()
    assert store.release(any_account.bucket, f"{key}y", "three") == frozenset()
    assert "Contents" not in clients.s3.list_objects_v2(
        Bucket=any_account.bucket, Prefix=f"claims/{key}"
    )


def test_a_text_larger_than_the_limit_is_not_read(store, any_account, key, clients):
    store.put_text(any_account.bucket, key, "{}" * 100)

    assert store.read_text(any_account.bucket, key, limit_bytes=200) == "{}" * 100
    with pytest.raises(UserMistake, match="larger than 199 bytes"):
        store.read_text(any_account.bucket, key, limit_bytes=199)


def test_streams_are_recognised_by_their_description(clients, any_account, name, key):
    streams = IotStreams(clients)
    clients.s3.put_object(Bucket=any_account.bucket, Key=key, Body=b"x" * 300)
    request = StreamRequest(
        stream_id=name,
        file_id=0,
        bucket=any_account.bucket,
        key=key,
        version_id=None,
        role_arn=any_account.role_arn,
        description=describe_ours("20261123T000000Z-000000"),
        tags={"team": "firmware"},
    )

    assert streams.description(request.stream_id) is None
    streams.create(request)
    with pytest.raises(AwsRefused) as caught:
        streams.create(request)
    assert caught.value.is_conflict
    assert streams.description(request.stream_id) == request.description
    streams.delete(request.stream_id)
    streams.delete(request.stream_id)
    assert streams.description(request.stream_id) is None


@pytest.fixture
def things(clients, any_account, name):
    """The ARNs of three things, which go when the test ends."""
    names = [f"{name}-{number}" for number in range(3)]
    for thing_name in names:
        clients.iot.create_thing(thingName=thing_name)
    yield [any_account.thing_arn(thing_name) for thing_name in names]
    for thing_name in names:
        clients.iot.delete_thing(thingName=thing_name)


def test_a_group_is_filled_found_again_and_deleted(clients, name, things):
    registry = IotRegistry(clients)

    arn = registry.create_group(name, description="ours")
    assert registry.create_group(name, description="ours") == arn
    assert list(registry.add_things(name, things, concurrency=2)) == [1, 2, 3]
    assert sorted(registry.things_in_group(name)) == sorted(
        arn.rpartition("/")[2] for arn in things
    )
    assert registry.group_description(name) == "ours"
    with pytest.raises(UserMistake, match=f"thing group {name} exists"):
        registry.create_group(name, description="another's")
    registry.delete_group(name)
    assert registry.group_description(name) is None


def test_a_thing_that_does_not_exist_is_named(clients, any_account, name, things):
    registry = IotRegistry(clients)
    registry.create_group(name, description="")
    missing = any_account.thing_arn(f"{name}-nobody")

    with pytest.raises(UserMistake, match=f"{name}-nobody, which does not exist"):
        list(registry.add_things(name, [*things, missing], concurrency=2))
    registry.delete_group(name)


def test_a_job_is_described_listed_and_deleted(clients, any_account, name, things):
    jobs = IotJobs(clients)
    configuration = JobConfiguration(
        rollout=Rollout(
            maximum_per_minute=1000,
            exponential_rate=ExponentialRate(
                base_rate_per_minute=500,
                increment_factor=1.5,
                rate_increase_criteria=RateIncreaseCriteria(number_of_notified_things=100),
            ),
        ),
        abort_criteria=(
            AbortCriterion(
                failure_type=FailureType.ALL,
                threshold_percentage=10.5,
                min_number_of_executed_things=5,
            ),
        ),
        in_progress_timeout_minutes=5,
        retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=1),),
        presigned_url=PresignedUrl(role_arn=any_account.role_arn),
    )
    request = CreateJobRequest(
        job_id=name,
        targets=tuple(things),
        document='{"command":"fota"}',
        description="ours",
        configuration=configuration,
        tags={"team": "firmware"},
    )

    assert jobs.describe(request.job_id) is None
    jobs.create(request)
    with pytest.raises(AwsRefused) as caught:
        jobs.create(request)
    assert caught.value.is_conflict

    clients.iot_jobs_data.start_next_pending_job_execution(thingName=things[0].rpartition("/")[2])
    clients.iot_jobs_data.update_job_execution(
        thingName=things[0].rpartition("/")[2],
        jobId=request.job_id,
        status="REJECTED",
        statusDetails={"reason": "not for me"},
    )
    described = jobs.describe(request.job_id)
    assert described.status is JobStatus.IN_PROGRESS
    assert described.counts[ExecutionStatus.REJECTED] == 1
    assert described.counts[ExecutionStatus.QUEUED] == 2
    (rejected,) = jobs.executions(request.job_id, ExecutionStatus.REJECTED)
    assert len(list(jobs.executions(request.job_id))) == 3
    assert jobs.execution(request.job_id, rejected.thing_name).reason == "not for me"

    jobs.force_cancel_job(request.job_id, reason_code="OTACTL_TEST", comment="enough")
    canceled = jobs.describe(request.job_id)
    assert (canceled.status, canceled.reason_code, canceled.comment, canceled.force_canceled) == (
        JobStatus.CANCELED,
        "OTACTL_TEST",
        "enough",
        True,
    )
    jobs.delete_job(request.job_id)
    jobs.delete_job(request.job_id)  # refused by AWS while the first is under way
    deadline = time.monotonic() + 60
    while (left := jobs.describe(request.job_id)) is not None:
        assert left.is_being_deleted
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("statistic", ["p99", "Average"])
def test_an_alarm_watches_the_metric_of_one_job(clients, any_account, name, statistic):
    alarms = CloudWatchAlarms(clients)
    alarm = Alarm(
        name="slow",
        namespace="IoT:OTA:JobExecution",
        metric_name="downloadTime",
        statistic=statistic,
        period_seconds=60,
        threshold=3600,
        alarm_type=AlarmType.UPPER,
        evaluation_periods=5,
        datapoints_to_alarm=3,
        sns_topics=(f"arn:aws:sns:{any_account.region}:{any_account.account_id}:stop",),
    )

    alarms.put(name, alarm, job_id="job1", description="ours")

    (found,) = clients.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert found["Dimensions"] == [{"Name": "jobId", "Value": "job1"}]
    assert found.get("ExtendedStatistic", found.get("Statistic")) == statistic
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == "notBreaching"
    assert alarms.description(name) == "ours"
    alarms.delete(name)
    alarms.delete(name)
    assert alarms.description(name) is None


def test_a_thing_with_its_certificate_is_made_and_removed(clients, name, tmp_path):
    directory = FleetDirectory(tmp_path / "fleet")
    manifest = plan_fleet(clients, things=[name], groups={})

    assert list(create_fleet(clients, directory, manifest)) == [name]
    (principal,) = clients.iot.list_thing_principals(thingName=name)["principals"]
    assert principal == directory.certificate_arn(name)

    assert list(delete_fleet(clients, directory, manifest)) == [name]
    with pytest.raises(clients.iot.exceptions.ResourceNotFoundException):
        clients.iot.describe_thing(thingName=name)
    with pytest.raises(clients.iot.exceptions.ResourceNotFoundException):
        clients.iot.describe_certificate(certificateId=principal.rpartition("/")[2])
