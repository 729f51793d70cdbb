"""The AWS CLI against the local cloud: a client that nobody here wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud


@pytest.fixture
def aws(cloud: RunningCloud) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``aws`` with the environment that ``otactl local env`` prints."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("aws")), *arguments, "--output", "json"],
            env=os.environ | cloud.address.environment() | {"AWS_PAGER": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def parsed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else {}


def test_a_stream_from_creation_to_deletion(
    aws: Callable[..., Any],
    clients: AwsClients,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
) -> None:
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/fw", Body=b"firmware")
    files = [{"fileId": 1, "s3Location": {"bucket": firmware_bucket, "key": f"{unique}/fw"}}]
    stream_ids = [f"cli-{unique}-{number}" for number in range(3)]
    create = ["--files", json.dumps(files), "--role-arn", stream_role_arn]

    created = parsed(
        aws("iot", "create-stream", "--stream-id", stream_ids[0], *create, "--description", "one")
    )
    for stream_id in stream_ids[1:]:
        parsed(aws("iot", "create-stream", "--stream-id", stream_id, *create))
    described = parsed(aws("iot", "describe-stream", "--stream-id", stream_ids[0]))["streamInfo"]
    updated = parsed(
        aws("iot", "update-stream", "--stream-id", stream_ids[0], "--description", "two")
    )
    first_page = parsed(
        aws("iot", "list-streams", "--max-items", "2", "--page-size", "1", "--ascending-order")
    )
    rest = parsed(
        aws("iot", "list-streams", "--starting-token", first_page["NextToken"], "--ascending-order")
    )
    again = aws("iot", "create-stream", "--stream-id", stream_ids[1], *create)
    for stream_id in stream_ids:
        parsed(aws("iot", "delete-stream", "--stream-id", stream_id))
    gone = aws("iot", "describe-stream", "--stream-id", stream_ids[0])

    assert created["streamVersion"] == 1
    assert created["streamArn"].endswith(f":stream/{stream_ids[0]}")
    assert described["files"] == files
    assert described["roleArn"] == stream_role_arn
    assert described["description"] == "one"
    assert (updated["streamVersion"], updated["description"]) == (2, "two")
    assert len(first_page["streams"]) == 2
    listed = [stream["streamId"] for stream in first_page["streams"] + rest["streams"]]
    assert [name for name in listed if unique in name] == stream_ids
    assert "ResourceAlreadyExistsException" in again.stderr
    assert "ResourceNotFoundException" in gone.stderr


def test_a_job_from_creation_to_deletion(
    aws: Callable[..., Any], clients: AwsClients, unique: str
) -> None:
    thing_arn = clients.iot.create_thing(thingName=f"cli-{unique}")["thingArn"]
    job_id = f"cli-job-{unique}"

    create = ["--job-id", job_id, "--targets", thing_arn, "--document", '{"command":"none"}']
    parsed(aws("iot", "create-job", *create))
    running = parsed(aws("iot", "describe-job", "--job-id", job_id))["job"]
    executions = parsed(aws("iot", "list-job-executions-for-job", "--job-id", job_id))
    parsed(aws("iot", "cancel-job", "--job-id", job_id))
    canceled = parsed(aws("iot", "describe-job", "--job-id", job_id))["job"]
    parsed(aws("iot", "delete-job", "--job-id", job_id))
    gone = aws("iot", "describe-job", "--job-id", job_id)

    assert running["status"] == "IN_PROGRESS"
    assert [summary["thingArn"] for summary in executions["executionSummaries"]] == [thing_arn]
    assert canceled["status"] == "CANCELED"
    assert "ResourceNotFoundException" in gone.stderr
    clients.iot.delete_thing(thingName=f"cli-{unique}")


def test_the_data_endpoint_works_by_https_with_the_bundle_of_the_environment(
    aws: Callable[..., Any],
) -> None:
    kind = ("--endpoint-type", "iot:Data-ATS")
    endpoint = parsed(aws("iot", "describe-endpoint", *kind))["endpointAddress"]

    parsed(
        aws(
            *("iot-data", "publish", "--endpoint-url", f"https://{endpoint}"),
            *("--topic", "hello", "--qos", "1", "--payload", "e30="),
        )
    )
