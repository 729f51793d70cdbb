"""What devices reach by HTTPS: the data endpoint, and images by presigned URLs."""

from __future__ import annotations

import json
import re
import socket
import ssl
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.raw_device import PUBLISH, raw_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeDevice, StartCloud

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

IMAGE = b"an image" * 100


def data_client(cloud: RunningCloud, service: str, clients: AwsClients) -> Any:
    """A client of the endpoint that DescribeEndpoint names, as programs for AWS make it."""
    endpoint = clients.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    return boto3.client(
        service,
        endpoint_url=f"https://{endpoint}",
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        verify=cloud.address.ca_bundle_file,
    )


def fetch(cloud: RunningCloud, url: str) -> bytes:
    trust = ssl.create_default_context(cafile=cloud.address.ca_file)
    with urllib.request.urlopen(url, context=trust, timeout=10) as answer:  # noqa: S310
        return answer.read()


@pytest.fixture
def device(make_device: MakeDevice, unique: str) -> DeviceIdentity:
    return make_device(f"https-{unique}")


@pytest.fixture
def job_id(
    clients: AwsClients,
    device: DeviceIdentity,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
) -> Iterator[str]:
    """A job whose document has a presigned URL."""
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/https", Body=IMAGE)
    s3 = f"https://s3.us-east-1.amazonaws.com/{firmware_bucket}/{unique}/https"
    document = {"url": f"${{aws:iot:s3-presigned-url:{s3}}}"}
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    clients.iot.create_job(
        jobId=f"https-{unique}",
        targets=[thing],
        document=json.dumps(document),
        presignedUrlConfig={"roleArn": stream_role_arn, "expiresInSec": 3600},
    )
    yield f"https-{unique}"
    clients.iot.delete_job(jobId=f"https-{unique}", force=True)


def test_the_data_endpoint_that_is_described_works(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity
) -> None:
    data = data_client(cloud, "iot-data", clients)

    data.update_thing_shadow(
        thingName=device.thing_name, payload=json.dumps({"state": {"reported": {"a": 1}}})
    )
    shadow = json.loads(data.get_thing_shadow(thingName=device.thing_name)["payload"].read())

    assert shadow["state"] == {"reported": {"a": 1}}


@pytest.mark.parametrize("dialled", ["127.0.0.1", "localhost"])
async def test_a_presigned_url_leads_by_https_to_the_host_that_the_device_dialled(
    cloud: RunningCloud, device: DeviceIdentity, job_id: str, dialled: str
) -> None:
    port = cloud.address.https_url.rpartition(":")[2]
    async with raw_device(cloud, device, host=dialled) as client:
        await client.publish(f"$aws/things/{device.thing_name}/jobs/{job_id}/get", {})
        answer = json.loads((await client.next(PUBLISH)).payload)
    url = answer["execution"]["jobDocument"]["url"]

    assert url.startswith(f"https://{dialled}:{port}/")
    assert fetch(cloud, url) == IMAGE


async def test_a_notification_names_the_host_of_the_things_connection(
    cloud: RunningCloud,
    clients: AwsClients,
    device: DeviceIdentity,
    stream_role_arn: str,
    job_id: str,
) -> None:
    document = clients.iot.get_job_document(jobId=job_id)["document"]
    thing = clients.iot.describe_thing(thingName=device.thing_name)["thingArn"]
    clients.iot_jobs_data.update_job_execution(
        jobId=job_id, thingName=device.thing_name, status="SUCCEEDED"
    )
    async with raw_device(cloud, device, host="localhost") as client:
        await client.subscribe(f"$aws/things/{device.thing_name}/jobs/notify-next")
        # The operator's own host is 127.0.0.1.
        clients.iot.create_job(
            jobId=f"{job_id}-2",
            targets=[thing],
            document=document,
            presignedUrlConfig={"roleArn": stream_role_arn, "expiresInSec": 3600},
        )
        notified = json.loads((await client.next(PUBLISH)).payload)
    clients.iot.delete_job(jobId=f"{job_id}-2", force=True)
    url = notified["execution"]["jobDocument"]["url"]

    assert url.startswith("https://localhost:")
    assert fetch(cloud, url) == IMAGE


def test_the_https_device_plane_presigns_by_https_too(
    cloud: RunningCloud, clients: AwsClients, device: DeviceIdentity, job_id: str
) -> None:
    jobs = data_client(cloud, "iot-jobs-data", clients)
    execution = jobs.describe_job_execution(thingName=device.thing_name, jobId=job_id)["execution"]
    url = json.loads(execution["jobDocument"])["url"]

    assert url.startswith("https://localhost:")
    assert fetch(cloud, url) == IMAGE


@pytest.mark.parametrize(
    ("mistake", "presigns"),
    [
        ({}, True),
        ({"account": "999999999999"}, False),
        ({"region": "eu-west-1"}, False),
        ({"path": "elsewhere/"}, False),
    ],
)
def test_a_role_that_does_not_trust_this_account_and_region_presigns_nothing(
    *,
    cloud: RunningCloud,
    clients: AwsClients,
    device: DeviceIdentity,
    job_id: str,
    unique: str,
    mistake: dict[str, str],
    presigns: bool,
) -> None:
    account = mistake.get("account", cloud.address.account_id)
    region = mistake.get("region", cloud.address.region)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "iot.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:iot:{region}:{account}:*"},
        },
    }
    role = clients.iam.create_role(
        RoleName=f"presign-{unique}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    clients.iot.update_job(
        jobId=job_id,
        presignedUrlConfig={
            "roleArn": role.replace("role/", f"role/{mistake.get('path', '')}"),
            "expiresInSec": 60,
        },
    )
    jobs = data_client(cloud, "iot-jobs-data", clients)
    execution = jobs.describe_job_execution(thingName=device.thing_name, jobId=job_id)["execution"]

    assert json.loads(execution["jobDocument"])["url"].startswith("https://") is presigns


def test_a_host_name_that_was_given_is_in_the_certificate(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    running = start_cloud(state_dir=tmp_path / "named", host_names=("build-host.example",))
    port = int(running.address.https_url.rpartition(":")[2])
    trust = ssl.create_default_context(cafile=running.address.ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="build-host.example") as tls,
    ):
        assert tls.version() in ("TLSv1.2", "TLSv1.3")


def test_the_bundle_has_the_systems_roots_and_the_clouds(cloud: RunningCloud) -> None:
    with open(cloud.address.ca_bundle_file, encoding="utf-8") as file:  # noqa: PTH123
        bundle = file.read()
    with open(cloud.address.ca_file, encoding="ascii") as file:  # noqa: PTH123
        ours = file.read()

    assert ours in bundle
    assert len(re.findall("BEGIN CERTIFICATE", bundle)) > 50
    assert cloud.address.environment()["AWS_CA_BUNDLE"] == cloud.address.ca_bundle_file
