"""CreateJob on the local cloud refuses what AWS refuses (aws-facts A6, B, D)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


@pytest.fixture
def iot(cloud: RunningCloud) -> Any:
    return boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        config=Config(parameter_validation=False),
    )


@pytest.fixture
def thing_arn(iot: Any, unique: str) -> Iterator[str]:
    yield iot.create_thing(thingName=f"request-{unique}")["thingArn"]
    iot.delete_thing(thingName=f"request-{unique}")


def rate(**changes: Any) -> dict[str, Any]:
    return {
        "maximumPerMinute": 100,
        "exponentialRate": {
            "baseRatePerMinute": 10,
            "incrementFactor": 2,
            "rateIncreaseCriteria": {"numberOfNotifiedThings": 5},
        }
        | changes,
    }


def retries(*criteria: tuple[str, int]) -> dict[str, Any]:
    return {
        "criteriaList": [
            {"failureType": kind, "numberOfRetries": number} for kind, number in criteria
        ]
    }


BOTH = {"numberOfNotifiedThings": 5, "numberOfSucceededThings": 5}


@pytest.mark.parametrize(
    "configuration",
    [
        {"jobExecutionsRolloutConfig": {}},
        {"jobExecutionsRolloutConfig": {"maximumPerMinute": 0}},
        {"jobExecutionsRolloutConfig": {"maximumPerMinute": 1001}},
        {"jobExecutionsRolloutConfig": {"exponentialRate": rate()["exponentialRate"]}},
        {"jobExecutionsRolloutConfig": rate(rateIncreaseCriteria=BOTH)},
        {"jobExecutionsRolloutConfig": rate(rateIncreaseCriteria={})},
        {"jobExecutionsRolloutConfig": rate(baseRatePerMinute=101)},
        {"jobExecutionsRolloutConfig": rate(baseRatePerMinute=100)},
        {"jobExecutionsRolloutConfig": {"maximumPerMinute": "100"}},
        {"jobExecutionsRetryConfig": {}},
        {"jobExecutionsRetryConfig": {"criteriaList": []}},
        {"documentSource": "https://s3.us-east-1.amazonaws.com/bucket/key"},
        {"timeoutConfig": {"inProgressTimeoutInMinutes": 0}},
        {"jobExecutionsRolloutConfig": rate(incrementFactor=1.0)},
        {"jobExecutionsRolloutConfig": rate(incrementFactor=5.1)},
        {"jobExecutionsRetryConfig": retries(("REJECTED", 1))},
        {"jobExecutionsRetryConfig": retries(("FAILED", 11))},
        {"jobExecutionsRetryConfig": retries(("FAILED", 6), ("TIMED_OUT", 5))},
        {"jobExecutionsRetryConfig": retries(("ALL", 1), ("FAILED", 1))},
        {"presignedUrlConfig": {"roleArn": "not a role", "expiresInSec": 60}},
        {"presignedUrlConfig": {"expiresInSec": 59}},
        {"timeoutConfig": {"inProgressTimeoutInMinutes": 10081}},
        {"schedulingConfig": {"startTime": "tomorrow"}},
        {"schedulingConfig": {"startTime": "2099-02-30T00:00"}},
        {"schedulingConfig": {"endTime": "2099-01-01T24:30"}},
        {
            "schedulingConfig": {
                "maintenanceWindows": [{"startTime": "cron(0 0 * * ? *)", "durationInMinutes": 60}]
            }
        },
    ],
)
def test_it_is_refused_and_nothing_is_made(
    iot: Any, thing_arn: str, unique: str, configuration: dict[str, Any]
) -> None:
    job_id = f"refused-{unique}"

    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_job(jobId=job_id, targets=[thing_arn], document="{}", **configuration)

    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_job(jobId=job_id)


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"timeoutConfig": {}},
        {"jobExecutionsRolloutConfig": rate()},
        {"jobExecutionsRetryConfig": retries(("FAILED", 5), ("TIMED_OUT", 5))},
    ],
)
def test_what_aws_takes_is_taken(
    iot: Any, thing_arn: str, unique: str, configuration: dict[str, Any]
) -> None:
    job_id = f"taken-{unique}"

    iot.create_job(jobId=job_id, targets=[thing_arn], document="{}", **configuration)

    assert iot.describe_job(jobId=job_id)["job"]["status"] == "IN_PROGRESS"
    iot.delete_job(jobId=job_id, force=True)


def test_a_document_in_s3_has_ten_substitutions_at_most_too(
    iot: Any,
    clients: AwsClients,
    firmware_bucket: str,
    stream_role_arn: str,
    thing_arn: str,
    unique: str,
) -> None:
    s3 = f"https://s3.us-east-1.amazonaws.com/{firmware_bucket}/{unique}"
    for count in (10, 11):
        urls = [f"${{aws:iot:s3-presigned-url:{s3}-image}}"] * count
        clients.s3.put_object(
            Bucket=firmware_bucket, Key=f"{unique}-{count}", Body=json.dumps({"urls": urls})
        )
    presigned = {"roleArn": stream_role_arn, "expiresInSec": 60}

    def create(count: int) -> None:
        iot.create_job(
            jobId=f"many-{unique}",
            targets=[thing_arn],
            documentSource=f"{s3}-{count}",
            presignedUrlConfig=presigned,
        )

    with pytest.raises(iot.exceptions.InvalidRequestException, match="at most 10"):
        create(11)
    create(10)
    iot.delete_job(jobId=f"many-{unique}", force=True)


@pytest.mark.parametrize(
    "member",
    [
        {"maintenanceWindows": [{"startTime": "every monday", "durationInMinutes": 60}]},
        {"jobExecutionsRetryConfig": retries(("FAILED", 6), ("TIMED_OUT", 5))},
    ],
)
def test_a_template_brings_in_nothing_that_a_job_may_not_have(
    iot: Any, thing_arn: str, unique: str, member: dict[str, Any]
) -> None:
    name = f"template-{unique}"
    start = datetime.now(UTC) + timedelta(days=1)
    template = iot.create_job_template(
        jobTemplateId=name, description="d", document="{}", **member
    )["jobTemplateArn"]

    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_job(
            jobId=name,
            targets=[thing_arn],
            jobTemplateArn=template,
            targetSelection="CONTINUOUS",
            schedulingConfig={"startTime": f"{start:%Y-%m-%dT%H:%M}"},
        )
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_job(jobId=name)
    iot.delete_job_template(jobTemplateId=name)
