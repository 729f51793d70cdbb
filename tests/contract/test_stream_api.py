"""Streams over HTTP through boto3: constraints, errors, permissions, tags, accounts."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from tests.conftest import make_reader_role
from tests.support.root_client import root_client

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud.guard import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartCloud

    from otactl.cloud import RunningCloud

MAX_FILE_BYTES = 24 * 1024 * 1024


def iot_client(cloud: RunningCloud, **options: Any) -> Any:
    """A client that sends what it is given, right or wrong."""
    return boto3.client(
        "iot",
        endpoint_url=cloud.address.endpoint_url,
        region_name=options.pop("region", cloud.address.region),
        aws_access_key_id=options.pop("key", cloud.address.access_key_id),
        aws_secret_access_key=options.pop("secret", cloud.address.secret_access_key),
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def iot(cloud: RunningCloud) -> Any:
    return iot_client(cloud)


@pytest.fixture
def files(clients: AwsClients, firmware_bucket: str, unique: str) -> list[dict[str, Any]]:
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/fw", Body=b"firmware")
    return [{"fileId": 0, "s3Location": {"bucket": firmware_bucket, "key": f"{unique}/fw"}}]


@pytest.fixture
def stream_id(iot: Any, unique: str) -> Iterator[str]:
    """A name for a stream, deleted at the end if it was made."""
    name = f"api-{unique}"
    yield name
    with contextlib.suppress(iot.exceptions.ResourceNotFoundException):
        iot.delete_stream(streamId=name)


def test_every_violation_is_named_in_one_message(iot: Any, stream_role_arn: str) -> None:
    with pytest.raises(iot.exceptions.InvalidRequestException) as refused:
        iot.create_stream(
            streamId="not a name",
            description="bell\u0007",
            files=[{"fileId": 256, "s3Location": {"bucket": "", "key": "k"}}],
            roleArn="arn:short",
        )

    assert refused.value.response["Error"]["Message"] == (
        "5 validation errors detected: "
        "Value 'not a name' at 'streamId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+; "
        "Value 'bell\u0007' at 'description' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [^\p{C}]+; "
        "Value '256' at 'files.1.member.fileId' failed to satisfy constraint: "
        "Member must have value less than or equal to 255; "
        "Value '' at 'files.1.member.s3Location.bucket' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; "
        "Value 'arn:short' at 'roleArn' failed to satisfy constraint: "
        "Member must have length greater than or equal to 20"
    )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"files": []}, "at 'files' failed"),
        ({"files": None}, "Value null at 'files'"),
        ({"roleArn": None}, "Value null at 'roleArn'"),
        ({"description": 5}, "Member must be of type string"),
        ({"files": [{"fileId": "1"}]}, "Member must be of type integer"),
        ({"files": [{"fileId": 1}]}, "files.1.member.s3Location.bucket"),
        ({"tags": [{"Value": "v"}]}, "Value null at 'tags.1.member.Key'"),
    ],
)
def test_a_request_that_breaks_the_model_is_refused(
    *,
    iot: Any,
    files: list[Any],
    stream_role_arn: str,
    stream_id: str,
    changes: dict[str, Any],
    part: str,
) -> None:
    request = {"streamId": stream_id, "files": files, "roleArn": stream_role_arn} | changes
    request = {name: member for name, member in request.items() if member is not None}

    with pytest.raises(iot.exceptions.InvalidRequestException) as refused:
        iot.create_stream(**request)

    assert part in refused.value.response["Error"]["Message"]
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_stream(streamId=stream_id)


def test_a_name_in_use_tells_whose(
    iot: Any, files: list[Any], stream_role_arn: str, stream_id: str
) -> None:
    arn = iot.create_stream(streamId=stream_id, files=files, roleArn=stream_role_arn)["streamArn"]

    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as refused:
        iot.create_stream(streamId=stream_id, files=files, roleArn=stream_role_arn)

    assert refused.value.response["resourceId"] == stream_id
    assert refused.value.response["resourceArn"] == arn
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_an_update_counts_the_version_and_keeps_what_it_does_not_name(
    iot: Any, files: list[Any], stream_role_arn: str, stream_id: str
) -> None:
    iot.create_stream(
        streamId=stream_id, files=files, roleArn=stream_role_arn, description="before"
    )
    before = iot.describe_stream(streamId=stream_id)["streamInfo"]

    iot.update_stream(streamId=stream_id, files=[*files, files[0] | {"fileId": 1}])
    after = iot.describe_stream(streamId=stream_id)["streamInfo"]

    assert (before["streamVersion"], after["streamVersion"]) == (1, 2)
    assert [file["fileId"] for file in after["files"]] == [0, 1]
    assert after["description"] == "before"
    assert after["createdAt"] == before["createdAt"]
    assert after["lastUpdatedAt"] >= before["lastUpdatedAt"]


def test_a_page_token_of_somebody_else_is_refused(iot: Any) -> None:
    with pytest.raises(iot.exceptions.InvalidRequestException, match="nextToken"):
        iot.list_streams(nextToken="AAAA")
    with pytest.raises(iot.exceptions.InvalidRequestException, match="maxResults"):
        iot.list_streams(maxResults=251)


def test_an_object_that_is_not_there_or_too_large_is_refused(
    *,
    iot: Any,
    clients: AwsClients,
    firmware_bucket: str,
    stream_role_arn: str,
    stream_id: str,
    unique: str,
) -> None:
    large = {"bucket": firmware_bucket, "key": f"{unique}/large"}
    clients.s3.put_object(Bucket=large["bucket"], Key=large["key"], Body=bytes(MAX_FILE_BYTES + 1))
    request = {"streamId": stream_id, "roleArn": stream_role_arn}

    with pytest.raises(iot.exceptions.LimitExceededException, match="25165824"):
        iot.create_stream(files=[{"fileId": 0, "s3Location": large}], **request)
    missing = {"bucket": firmware_bucket, "key": f"{unique}/none"}
    with pytest.raises(iot.exceptions.ResourceNotFoundException, match="does not exist"):
        iot.create_stream(files=[{"fileId": 0, "s3Location": missing}], **request)
    clients.s3.delete_object(Bucket=large["bucket"], Key=large["key"])


def test_a_role_must_exist_trust_aws_iot_and_be_allowed_to_read(
    iot: Any, clients: AwsClients, files: list[Any], stream_id: str, unique: str
) -> None:
    trusting_lambda = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    stranger = clients.iam.create_role(
        RoleName=f"stranger-{unique}", AssumeRolePolicyDocument=json.dumps(trusting_lambda)
    )["Role"]["Arn"]
    elsewhere = make_reader_role(clients, f"elsewhere-{unique}", "another-bucket")

    def create(role_arn: str) -> None:
        iot.create_stream(streamId=stream_id, files=files, roleArn=role_arn)

    with pytest.raises(iot.exceptions.InvalidRequestException, match="does not exist"):
        create(elsewhere.replace("elsewhere", "nowhere"))
    with pytest.raises(iot.exceptions.UnauthorizedException, match="not allowed to assume"):
        create(stranger)
    with pytest.raises(iot.exceptions.UnauthorizedException, match="lacks s3:GetObject"):
        create(elsewhere)


def test_tags_are_kept_and_changed(
    iot: Any, files: list[Any], stream_role_arn: str, stream_id: str
) -> None:
    arn = iot.create_stream(
        streamId=stream_id,
        files=files,
        roleArn=stream_role_arn,
        tags=[{"Key": "team", "Value": "fw"}, {"Key": "old", "Value": "1"}],
    )["streamArn"]

    iot.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "ota"}])
    iot.untag_resource(resourceArn=arn, tagKeys=["old"])

    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "team", "Value": "ota"}]


def test_streams_of_another_account_or_region_are_not_seen(
    cloud: RunningCloud, iot: Any, files: list[Any], stream_role_arn: str, stream_id: str
) -> None:
    iot.create_stream(streamId=stream_id, files=files, roleArn=stream_role_arn)

    for other in (root_client(cloud, "iot", "999999999999"), iot_client(cloud, region="eu-west-1")):
        assert other.list_streams()["streams"] == []
        with pytest.raises(other.exceptions.ResourceNotFoundException):
            other.delete_stream(streamId=stream_id)


def test_iam_decides_who_may_touch_streams(
    *,
    cloud: RunningCloud,
    clients: AwsClients,
    iot: Any,
    files: list[Any],
    stream_role_arn: str,
    stream_id: str,
    unique: str,
) -> None:
    arn = iot.create_stream(streamId=stream_id, files=files, roleArn=stream_role_arn)["streamArn"]
    user = f"reader-{unique}"
    clients.iam.create_user(UserName=user)
    allow = {"Effect": "Allow", "Action": "iot:DescribeStream", "Resource": arn}
    clients.iam.put_user_policy(
        UserName=user,
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    key = clients.iam.create_access_key(UserName=user)["AccessKey"]
    reader = iot_client(cloud, key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    assert reader.describe_stream(streamId=stream_id)["streamInfo"]["streamArn"] == arn
    with pytest.raises(reader.exceptions.ClientError) as refused:
        reader.delete_stream(streamId=stream_id)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(reader.exceptions.ClientError, match="security token"):
        iot_client(cloud, key="AKIAUNKNOWN000000000").list_streams()


def test_who_may_not_pass_the_role_makes_neither_a_stream_nor_a_presigning_job(
    *,
    cloud: RunningCloud,
    clients: AwsClients,
    files: list[Any],
    stream_role_arn: str,
    stream_id: str,
    unique: str,
) -> None:
    user = f"passer-{unique}"
    clients.iam.create_user(UserName=user)
    key = clients.iam.create_access_key(UserName=user)["AccessKey"]
    theirs = iot_client(cloud, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    thing = clients.iot.create_thing(thingName=user)["thingArn"]

    messages: list[str] = []

    def refusals(*passed: dict[str, Any]) -> list[str]:
        work = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
        clients.iam.put_user_policy(
            UserName=user,
            PolicyName="work",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [work, *passed]}),
        )
        stream = {"streamId": stream_id, "files": files, "roleArn": stream_role_arn}
        job = {"jobId": user, "targets": [thing], "document": "{}"}
        found = []
        for operation, request in (
            ("create_stream", stream),
            ("update_stream", stream),
            ("create_job", job | {"presignedUrlConfig": {"roleArn": stream_role_arn}}),
            ("update_job", {"jobId": user, "presignedUrlConfig": {"roleArn": stream_role_arn}}),
            ("update_stream", {"streamId": stream_id, "description": "without a role"}),
        ):
            try:
                getattr(theirs, operation)(**request)
            except theirs.exceptions.ClientError as error:
                found.append(error.response["Error"]["Code"])
                messages.append(str(error))
        return found

    to_iot = {"StringEquals": {"iam:PassedToService": "iot.amazonaws.com"}}
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    allow = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": stream_role_arn}
    denied = ["AccessDeniedException"] * 4
    unknown = "ResourceNotFoundException"

    assert refusals() == [*denied, unknown]
    assert refusals(allow | {"Condition": to_lambda}) == [*denied, unknown]
    assert refusals(allow | {"Resource": f"{stream_role_arn}-other"}) == [*denied, unknown]
    assert refusals(allow | {"Condition": to_iot}) == []
    assert f"iam:PassRole on resource: {stream_role_arn}" in messages[0]
    clients.iot.delete_job(jobId=user, force=True)


def test_the_role_of_a_topic_rule_is_not_asked_about(
    cloud: RunningCloud, clients: AwsClients, stream_role_arn: str, unique: str
) -> None:
    # A known difference: docs/local-cloud.md.
    user = f"ruler-{unique}"
    clients.iam.create_user(UserName=user)
    work = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    clients.iam.put_user_policy(
        UserName=user,
        PolicyName="work",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [work]}),
    )
    key = clients.iam.create_access_key(UserName=user)["AccessKey"]
    theirs = iot_client(cloud, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    queue = {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q"}
    theirs.create_topic_rule(
        ruleName=f"rule_{unique}",
        topicRulePayload={
            "sql": "SELECT * FROM 'a'",
            "actions": [{"sqs": queue | {"roleArn": stream_role_arn}}],
        },
    )
    theirs.delete_topic_rule(ruleName=f"rule_{unique}")


def test_a_job_has_at_most_100_targets(
    cloud: RunningCloud, iot: Any, clients: AwsClients, unique: str
) -> None:
    prefix = f"arn:aws:iot:{cloud.address.region}:{cloud.address.account_id}:thing/t-{unique}"
    targets = [f"{prefix}-{number}" for number in range(101)]

    with pytest.raises(iot.exceptions.LimitExceededException, match="100 targets"):
        iot.create_job(jobId=f"many-{unique}", targets=targets, document="{}")
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.create_job(jobId=f"many-{unique}", targets=targets[:100], document="{}")


def test_a_reset_forgets_streams_too(start_cloud: StartCloud) -> None:
    cloud = start_cloud()
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    clients.s3.create_bucket(Bucket="reset-me")
    clients.s3.put_object(Bucket="reset-me", Key="fw", Body=b"firmware")
    clients.iot.create_stream(
        streamId="s",
        files=[{"fileId": 0, "s3Location": {"bucket": "reset-me", "key": "fw"}}],
        roleArn=make_reader_role(clients, "reader", "reset-me"),
    )
    gateway = cloud.address.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(gateway)

    connection.request(
        "POST", "/_ministack/reset", headers={SECRET_HEADER: cloud.address.cloud_secret}
    )

    assert connection.getresponse().status == 200
    connection.close()
    assert clients.iot.list_streams()["streams"] == []
