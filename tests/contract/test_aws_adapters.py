"""Our adapters against a real S3, IoT and CloudWatch API: the Protocols of deploy/ports.py hold."""

from __future__ import annotations

import pytest
from tests.support.root_client import root_client

from otactl.aws.clients import AwsClients, AwsSettings, account_of
from otactl.aws.jobs import IotJobs
from otactl.aws.object_store import S3ObjectStore
from otactl.deploy.ports import CreateJobRequest
from otactl.errors import AwsRefused, AwsUnreachable, UserMistake
from otactl.model.job_configuration import (
    JobConfiguration,
)
from otactl.model.status import TargetSelection

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def store(clients):
    return S3ObjectStore(clients)


@pytest.fixture
def bucket(clients, unique):
    name = f"adapters-{unique}"
    clients.s3.create_bucket(Bucket=name)
    return name


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


def test_executions_are_listed_over_several_pages(clients, unique):
    names = [f"p{number}-{unique}" for number in range(260)]
    clients.iot.create_thing_group(thingGroupName=f"many-{unique}")
    for name in names:
        clients.iot.create_thing(thingName=name)
        clients.iot.add_thing_to_thing_group(thingGroupName=f"many-{unique}", thingName=name)
    jobs = IotJobs(clients)
    jobs.create(
        CreateJobRequest(
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
