"""Our adapters against a real S3, IoT and CloudWatch API: the Protocols of deploy/ports.py hold."""

from __future__ import annotations

import hashlib
import time

import pytest
from tests.support.root_client import root_client

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.identity import account_of
from otactl.aws.jobs import IotJobs
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.registry import IotRegistry
from otactl.aws.streams import IotStreams
from otactl.deploy.ownership import describe_ours
from otactl.deploy.ports import JobRequest, StreamRequest
from otactl.errors import AwsRefused, AwsUnreachable, UserMistake
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
from otactl.model.status import ExecutionStatus, FailureType, JobStatus, TargetSelection

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def store(clients):
    return S3ObjectStore(clients)


@pytest.fixture
def bucket(clients, unique):
    name = f"adapters-{unique}"
    clients.s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def image(tmp_path, unique):
    path = tmp_path / "image.bin"
    path.write_bytes(unique.encode() * 1000)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_image_is_uploaded_once_and_found_afterwards(store, bucket, image):
    path, sha256 = image

    first = store.put_file(bucket, "firmware/x", path, sha256=sha256, metadata={"by": "one"})
    second = store.put_file(bucket, "firmware/x", path, sha256=sha256, metadata={"by": "two"})

    assert first.created
    assert not second.created
    assert second.sha256 == sha256
    assert second.metadata["by"] == "one"


def test_an_image_that_changed_since_it_was_measured_is_refused(store, bucket, image, tmp_path):
    path, sha256 = image
    (tmp_path / "image.bin").write_bytes(b"another image")

    with pytest.raises(UserMistake, match="has changed since it was planned"):
        store.put_file(bucket, "firmware/x", path, sha256=sha256, metadata={})

    assert store.find(bucket, "firmware/x") is None


def test_a_key_that_holds_something_else_is_refused_not_overwritten(store, bucket, image, clients):
    path, sha256 = image
    clients.s3.put_object(Bucket=bucket, Key="firmware/x", Body=b"mine", ChecksumAlgorithm="SHA256")

    with pytest.raises(UserMistake, match="holds something else"):
        store.put_file(bucket, "firmware/x", path, sha256=sha256, metadata={})

    assert clients.s3.get_object(Bucket=bucket, Key="firmware/x")["Body"].read() == b"mine"


def test_the_version_of_a_versioned_bucket_is_told_and_deleted(store, bucket, image, clients):
    path, sha256 = image
    clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    stored = store.put_file(bucket, "firmware/x", path, sha256=sha256, metadata={})
    assert stored.version_id
    store.delete(bucket, "firmware/x", stored.version_id)

    assert "Versions" not in clients.s3.list_object_versions(Bucket=bucket)


def test_claims_name_the_deployments_that_use_an_object(store, bucket, clients):
    store.claim(bucket, "firmware/x", "one")
    store.claim(bucket, "firmware/x", "two")
    store.claim(bucket, "firmware/xy", "three")

    assert store.release(bucket, "firmware/x", "one") == {"two"}
    assert store.release(bucket, "firmware/x", "one") == {"two"}
    assert store.release(bucket, "firmware/x", "two") == frozenset()
    assert store.release(bucket, "firmware/xy", "three") == frozenset()
    assert "Contents" not in clients.s3.list_objects_v2(Bucket=bucket)


def test_a_bucket_of_another_region_is_refused(store, bucket):
    with pytest.raises(UserMistake, match="is in us-east-1"):
        store.check_bucket(bucket, owner=ACCOUNT, region="eu-central-1")


def test_a_bucket_of_another_account_is_refused(cloud, bucket):
    elsewhere = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    elsewhere._clients["s3"] = root_client(cloud, "s3", "999999999999")
    stranger = S3ObjectStore(elsewhere)

    with pytest.raises(UserMistake, match="is not account 999999999999's"):
        stranger.check_bucket(bucket, owner="999999999999", region=REGION)


def test_a_bucket_that_is_missing_is_refused_with_the_key_to_mend(store, unique):
    with pytest.raises(UserMistake, match="does not exist") as caught:
        store.check_bucket(f"none-{unique}", owner=ACCOUNT, region=REGION)
    assert "`bucket` in [DEFAULT]" in caught.value.hint


def test_a_text_larger_than_the_limit_is_not_read(store, bucket, clients):
    store.put_text(bucket, "doc.json", "{}" * 100)

    assert store.read_text(bucket, "doc.json", limit_bytes=200) == "{}" * 100
    with pytest.raises(UserMistake, match="larger than 199 bytes"):
        store.read_text(bucket, "doc.json", limit_bytes=199)


def test_streams_are_recognised_by_their_description(
    clients, firmware_bucket, stream_role_arn, unique
):
    streams = IotStreams(clients)
    clients.s3.put_object(Bucket=firmware_bucket, Key=unique, Body=b"x" * 300)
    request = StreamRequest(
        stream_id=f"s-{unique}",
        file_id=0,
        bucket=firmware_bucket,
        key=unique,
        version_id=None,
        role_arn=stream_role_arn,
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
def things(clients, unique):
    names = [f"t{number}-{unique}" for number in range(3)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    return [f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{name}" for name in names]


def test_a_group_is_filled_found_again_and_deleted(clients, unique, things):
    registry = IotRegistry(clients)
    name = f"otactl-{unique}"

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


def test_a_thing_that_does_not_exist_is_named(clients, unique, things):
    registry = IotRegistry(clients)
    registry.create_group(f"g-{unique}", description="")
    missing = f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/nobody-{unique}"

    with pytest.raises(UserMistake, match=f"nobody-{unique}, which does not exist"):
        list(registry.add_things(f"g-{unique}", [*things, missing], concurrency=2))


def test_a_job_is_described_listed_and_deleted(clients, unique, things):
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
        presigned_url=PresignedUrl(role_arn=f"arn:aws:iam::{ACCOUNT}:role/presign"),
    )
    request = JobRequest(
        job_id=f"j-{unique}",
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
    deadline = time.monotonic() + 10
    while (left := jobs.describe(request.job_id)) is not None:
        assert left.is_being_deleted
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_executions_are_listed_over_several_pages(clients, unique):
    names = [f"p{number}-{unique}" for number in range(260)]
    clients.iot.create_thing_group(thingGroupName=f"many-{unique}")
    for name in names:
        clients.iot.create_thing(thingName=name)
        clients.iot.add_thing_to_thing_group(thingGroupName=f"many-{unique}", thingName=name)
    jobs = IotJobs(clients)
    jobs.create(
        JobRequest(
            job_id=f"many-{unique}",
            targets=(f"arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/many-{unique}",),
            document="{}",
            description="",
            configuration=JobConfiguration(target_selection=TargetSelection.CONTINUOUS),
        )
    )

    listed = {outcome.thing_name for outcome in jobs.executions(f"many-{unique}")}

    assert listed == set(names)
    jobs.delete_job(f"many-{unique}")


@pytest.mark.parametrize("statistic", ["p99", "Average"])
def test_an_alarm_watches_the_metric_of_one_job(clients, unique, statistic):
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
        sns_topics=(f"arn:aws:sns:{REGION}:{ACCOUNT}:stop",),
    )

    alarms.put(f"a-{unique}", alarm, job_id="job1", description="ours")

    (found,) = clients.cloudwatch.describe_alarms(AlarmNames=[f"a-{unique}"])["MetricAlarms"]
    assert found["Dimensions"] == [{"Name": "jobId", "Value": "job1"}]
    assert found.get("ExtendedStatistic", found.get("Statistic")) == statistic
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == "notBreaching"
    assert alarms.description(f"a-{unique}") == "ours"
    alarms.delete(f"a-{unique}")
    alarms.delete(f"a-{unique}")
    assert alarms.description(f"a-{unique}") is None


def test_calls_are_counted_by_operation_and_the_account_is_known(cloud):
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))

    assert account_of(clients) == ACCOUNT
    IotJobs(clients).describe("nobody")
    IotJobs(clients).describe("nobody")

    assert clients.calls.snapshot() == {"iot:DescribeJob": 2, "sts:GetCallerIdentity": 1}


def test_an_endpoint_that_is_not_there_is_unreachable_not_refused():
    clients = AwsClients(
        AwsSettings(
            region=REGION,
            endpoint_url="http://127.0.0.1:9",
            access_key_id="x",
            secret_access_key="y",
            max_attempts=1,
        )
    )

    with pytest.raises(AwsUnreachable) as caught:
        IotJobs(clients).describe("job")
    assert caught.value.exit_code == 3


def test_credentials_aws_does_not_know_are_said_to_be_unknown(cloud):
    clients = AwsClients(
        AwsSettings(
            region=REGION,
            endpoint_url=cloud.address.endpoint_url,
            access_key_id="AKIAUNKNOWN",
            secret_access_key="y",
        )
    )

    with pytest.raises(AwsRefused) as caught:
        IotJobs(clients).describe("job")
    assert "check --profile" in caught.value.hint
