"""The AWS CLI against the local cloud: a client that nobody here wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
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


def test_a_schedule_and_further_targets_of_a_job(aws: Callable[..., Any], unique: str) -> None:
    def group(name: str) -> str:
        created = parsed(aws("iot", "create-thing-group", "--thing-group-name", f"{unique}-{name}"))
        return str(created["thingGroupArn"])

    def create(job_id: str, start: datetime, *options: str) -> subprocess.CompletedProcess[str]:
        schedule = json.dumps({"startTime": f"{start:%Y-%m-%dT%H:%M}"})
        document = ("--document", "{}", "--scheduling-config", schedule)
        return aws("iot", "create-job", "--job-id", job_id, "--targets", first, *document, *options)

    first, second = group("a"), group("b")
    now = datetime.now(UTC)
    continuous = ("--target-selection", "CONTINUOUS")

    parsed(create(f"{unique}-later", now + timedelta(hours=10)))
    too_soon = create(f"{unique}-soon", now + timedelta(minutes=10))
    unscheduled = ("--job-id", f"{unique}-on", "--targets", first, "--document", "{}")
    parsed(aws("iot", "create-job", *unscheduled, *continuous))
    associate = ("--job-id", f"{unique}-on", "--targets", second)
    parsed(aws("iot", "associate-targets-with-job", *associate))

    later = parsed(aws("iot", "describe-job", "--job-id", f"{unique}-later"))["job"]
    on = parsed(aws("iot", "describe-job", "--job-id", f"{unique}-on"))["job"]
    assert later["status"] == "SCHEDULED"
    assert "InvalidRequestException" in too_soon.stderr
    assert sorted(on["targets"]) == sorted([first, second])
    for job_id in ("later", "on"):
        parsed(aws("iot", "delete-job", "--job-id", f"{unique}-{job_id}", "--force"))


def test_groups_in_groups_come_in_pages(
    aws: Callable[..., Any], clients: AwsClients, unique: str
) -> None:
    parent, child = f"{unique}-p", f"{unique}-c"
    parsed(aws("iot", "create-thing-group", "--thing-group-name", parent))
    below = ("--thing-group-name", child, "--parent-group-name", parent)
    parsed(aws("iot", "create-thing-group", *below))
    names = [f"{unique}-{number}" for number in range(3)]
    for name in names:
        clients.iot.create_thing(thingName=name)
        clients.iot.add_thing_to_thing_group(thingGroupName=child, thingName=name)
    inside = ("iot", "list-things-in-thing-group", "--thing-group-name", parent)

    everything = parsed(aws(*inside, "--recursive", "--page-size", "2"))["things"]
    direct = parsed(aws(*inside))["things"]
    page = parsed(aws(*inside, "--recursive", "--max-items", "2"))
    rest = parsed(aws(*inside, "--recursive", "--starting-token", page["NextToken"]))["things"]
    children = parsed(aws("iot", "list-thing-groups", "--parent-group", parent))["thingGroups"]
    named = parsed(aws("iot", "list-thing-groups", "--name-prefix-filter", child))["thingGroups"]

    assert (sorted(everything), direct) == (names, [])
    assert sorted(page["things"] + rest) == names
    assert [[group["groupName"] for group in found] for found in (children, named)] == [[child]] * 2
    refused = aws("iot", "delete-thing-group", "--thing-group-name", parent)
    assert "InvalidRequestException" in refused.stderr


def test_a_certificate_tells_how_long_it_holds(aws: Callable[..., Any], unique: str) -> None:
    created = parsed(aws("iot", "create-keys-and-certificate"))
    which = ("--certificate-id", created["certificateId"])

    described = parsed(aws("iot", "describe-certificate", *which))["certificateDescription"]

    validity = described["validity"]
    assert validity["notBefore"] <= datetime.now(UTC).timestamp() < validity["notAfter"]
    parsed(aws("iot", "delete-certificate", *which))
    make = ("--thing-type-name", unique)
    parsed(aws("iot", "create-thing-type", *make))
    parsed(aws("iot", "deprecate-thing-type", *make))
    refused = aws("iot", "create-thing", "--thing-name", unique, *make)
    assert "InvalidRequestException" in refused.stderr


def test_versions_of_a_policy_and_attributes_that_are_taken_away(
    aws: Callable[..., Any], clients: AwsClients, unique: str
) -> None:
    iot, document = clients.iot, '{"Version":"2012-10-17","Statement":[]}'
    of_policy = ("--policy-name", unique)
    body = ("--policy-document", document)
    iot.create_policy(policyName=unique, policyDocument=document)
    second = parsed(aws("iot", "create-policy-version", *of_policy, *body, "--set-as-default"))
    for _ in range(3):
        iot.create_policy_version(policyName=unique, policyDocument=document)
    sixth = aws("iot", "create-policy-version", *of_policy, *body)
    listed = parsed(aws("iot", "list-policy-versions", *of_policy))["policyVersions"]
    iot.create_thing(thingName=unique, attributePayload={"attributes": {"a": "1", "b": "2"}})
    payload = json.dumps({"attributes": {"a": "", "c": "3"}, "merge": True})
    parsed(aws("iot", "update-thing", "--thing-name", unique, "--attribute-payload", payload))
    thing = iot.describe_thing(thingName=unique)

    assert "VersionsLimitExceededException" in sixth.stderr
    assert {one["versionId"]: one["isDefaultVersion"] for one in listed} == {
        version: version == second["policyVersionId"] == "2" for version in "12345"
    }
    assert thing["attributes"] == {"b": "2", "c": "3"}


def test_the_execution_of_a_deleted_thing_is_removed(
    aws: Callable[..., Any], clients: AwsClients, unique: str
) -> None:
    stays, goes = (
        clients.iot.create_thing(thingName=f"{which}-{unique}")["thingArn"]
        for which in ("stays", "goes")
    )
    create = ("--job-id", unique, "--targets", stays, goes, "--document", "{}")
    parsed(aws("iot", "create-job", *create))
    parsed(aws("iot", "delete-thing", "--thing-name", f"goes-{unique}"))

    counts = parsed(aws("iot", "describe-job", "--job-id", unique))["job"]["jobProcessDetails"]
    removed = ("--job-id", unique, "--status", "REMOVED")
    listed = parsed(aws("iot", "list-job-executions-for-job", *removed))["executionSummaries"]

    assert (counts["numberOfRemovedThings"], counts["numberOfQueuedThings"]) == (1, 1)
    assert [each["thingArn"] for each in listed] == [goes]
    clients.iot.delete_job(jobId=unique, force=True)
