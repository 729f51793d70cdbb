"""CloudFormation of the local cloud keeps what a template says of tables, and looks for code."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otactl.aws.clients import AwsClients

KEYS = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
WHOLE = {
    "TimeToLiveSpecification": {"AttributeName": "gone", "Enabled": True},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
}


@pytest.fixture
def deploy(clients: AwsClients, unique: str) -> Iterator[Callable[..., str]]:
    """Create or change the stack of this test; returns its status."""
    cloudformation, name = clients.cloudformation, f"resources-{unique}"

    def make(kind: str, properties: dict[str, Any], *, update: bool = False) -> str:
        act = cloudformation.update_stack if update else cloudformation.create_stack
        template = {"Resources": {"It": {"Type": kind, "Properties": properties}}}
        act(StackName=name, TemplateBody=json.dumps(template))
        waiter = cloudformation.get_waiter(f"stack_{'update' if update else 'create'}_complete")
        with contextlib.suppress(WaiterError):  # the status says it
            waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]

    yield make
    cloudformation.delete_stack(StackName=name)


def settings(clients: AwsClients, table: str) -> tuple[str, str, str | None]:
    dynamodb = clients.dynamodb
    expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    encryption = dynamodb.describe_table(TableName=table)["Table"].get("SSEDescription", {})
    return expiry["TimeToLiveStatus"], recovery, encryption.get("Status")


def test_expiry_recovery_and_encryption_of_a_table_are_kept_and_changed(
    clients: AwsClients, deploy: Callable[..., str], unique: str
) -> None:
    name = f"table-{unique}"
    named = KEYS | {"TableName": name}

    assert deploy("AWS::DynamoDB::Table", named | WHOLE) == "CREATE_COMPLETE"
    assert settings(clients, name) == ("ENABLED", "ENABLED", "ENABLED")
    assert deploy("AWS::DynamoDB::Table", named, update=True) == "UPDATE_COMPLETE"
    assert settings(clients, name) == ("DISABLED", "DISABLED", None)
    assert deploy("AWS::DynamoDB::Table", named | WHOLE, update=True) == "UPDATE_COMPLETE"
    assert settings(clients, name) == ("ENABLED", "ENABLED", "ENABLED")


@pytest.mark.parametrize("lacks", ["bucket", "object", "nothing"])
def test_a_function_whose_code_is_missing_fails(
    *,
    clients: AwsClients,
    deploy: Callable[..., str],
    firmware_bucket: str,
    unique: str,
    lacks: str,
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "def handler(event, context): return 1\n")
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/code", Body=archive.getvalue())
    role = clients.iam.create_role(
        RoleName=f"code-{unique}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )["Role"]["Arn"]
    code = {
        "S3Bucket": f"no-such-{unique}" if lacks == "bucket" else firmware_bucket,
        "S3Key": "no/such/object" if lacks == "object" else f"{unique}/code",
    }
    properties = {"Code": code, "Role": role, "Runtime": "python3.12", "Handler": "index.handler"}

    status = deploy("AWS::Lambda::Function", properties)

    assert (status == "CREATE_COMPLETE") is (lacks == "nothing")
