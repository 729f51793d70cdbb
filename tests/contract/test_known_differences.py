"""What docs/local-cloud.md lists as different from AWS, or as chosen where AWS does not say.

The rows that other tests show are named there; these are the rest.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from tests.conftest import MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


def make_job(clients: AwsClients, job_id: str, things: int, **policy: Any) -> None:
    targets = [
        clients.iot.create_thing(thingName=f"{job_id}-{number}")["thingArn"]
        for number in range(things)
    ]
    document = {} if "documentSource" in policy else {"document": "{}"}
    clients.iot.create_job(jobId=job_id, targets=targets, **document, **policy)


def abort_at(percentage: int, least: int) -> dict[str, Any]:
    criterion = {
        "failureType": "FAILED",
        "action": "CANCEL",
        "thresholdPercentage": percentage,
        "minNumberOfExecutedThings": least,
    }
    return {"criteriaList": [criterion]}


def status_of(clients: AwsClients, job_id: str) -> str:
    return clients.iot.describe_job(jobId=job_id)["job"]["status"]


def test_what_was_canceled_counts_as_completed_for_an_abort(
    clients: AwsClients, unique: str
) -> None:
    make_job(clients, unique, 3, abortConfig=abort_at(50, 2))
    clients.iot.cancel_job_execution(jobId=unique, thingName=f"{unique}-0")
    before = status_of(clients, unique)
    clients.iot_jobs_data.update_job_execution(
        jobId=unique, thingName=f"{unique}-1", status="FAILED"
    )

    assert (before, status_of(clients, unique)) == ("IN_PROGRESS", "CANCELED")


def test_a_failure_that_is_tried_again_counts_for_an_abort_and_has_no_delay(
    clients: AwsClients, unique: str
) -> None:
    retries = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 3}]}
    make_job(clients, unique, 2, abortConfig=abort_at(100, 2), jobExecutionsRetryConfig=retries)
    device = clients.iot_jobs_data
    device.update_job_execution(jobId=unique, thingName=f"{unique}-0", status="FAILED")
    pending = device.get_pending_job_executions(thingName=f"{unique}-0")["queuedJobs"]
    before = status_of(clients, unique)
    device.update_job_execution(jobId=unique, thingName=f"{unique}-0", status="FAILED")

    assert [one["executionNumber"] for one in pending] == [2]
    assert (before, status_of(clients, unique)) == ("IN_PROGRESS", "CANCELED")


def test_a_job_document_in_s3_is_read_once_when_the_job_is_made(
    clients: AwsClients, firmware_bucket: str, unique: str
) -> None:
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/doc", Body=b'{"version":1}')
    source = f"https://s3.us-east-1.amazonaws.com/{firmware_bucket}/{unique}/doc"
    make_job(clients, unique, 1, documentSource=source)
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/doc", Body=b'{"version":2}')

    document = clients.iot.get_job_document(jobId=unique)["document"]
    assert json.loads(document) == {"version": 1}


def test_the_limits_of_an_account_are_not_kept(
    cloud: RunningCloud, clients: AwsClients, unique: str
) -> None:
    make_job(clients, unique, 1)
    once = boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )

    # AWS takes ten a second.
    assert {once.describe_job(jobId=unique)["job"]["jobId"] for _ in range(40)} == {unique}


@pytest.mark.parametrize("path", ["/topics/hello?qos=1", "/things/x/shadow", "/things/x/jobs"])
def test_a_client_certificate_is_no_credential_over_https(
    cloud: RunningCloud, make_device: MakeDevice, unique: str, path: str
) -> None:
    device = make_device(f"https-{unique}")
    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    context.load_cert_chain(device.certificate_file, device.private_key_file)
    port = int(cloud.address.https_url.rpartition(":")[2])
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    connection.request("POST", path, body=b"{}")

    assert connection.getresponse().status == http.HTTPStatus.FORBIDDEN
    connection.close()
