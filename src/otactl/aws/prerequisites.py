"""What a deployment finds in a real account and a rehearsal must first make: bucket, roles, topics.

Everything here is idempotent, so that a rehearsal may be repeated in the same local cloud.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from otactl.aws.translate import translated
from otactl.deploy.permissions import firmware_reader_policy, iot_trust_policy
from otactl.model.arn import Arn

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients

#: The one region whose name CreateBucket refuses as a location constraint (S3 API reference).
_REGION_WITHOUT_CONSTRAINT = "us-east-1"
_POLICY_NAME = "otactl-read-firmware"


@translated("s3")
def make_bucket(clients: AwsClients, bucket: str, region: str) -> None:
    """Make a bucket unless it is there."""
    s3 = clients.s3
    try:
        if region == _REGION_WITHOUT_CONSTRAINT:
            s3.create_bucket(Bucket=bucket)
        else:
            location: Any = {"LocationConstraint": region}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        return


@translated("iam")
def make_role(clients: AwsClients, role_arn: str, *, bucket: str, region: str) -> None:
    """Make a service role that reads the images of a bucket, unless it is there."""
    arn = Arn.parse(role_arn)
    path, _, name = arn.resource_name.rpartition("/")
    try:
        clients.iam.create_role(
            RoleName=name,
            Path=f"/{path}/" if path else "/",
            AssumeRolePolicyDocument=json.dumps(iot_trust_policy(arn.account, region)),
        )
    except clients.iam.exceptions.EntityAlreadyExistsException:
        return
    clients.iam.put_role_policy(
        RoleName=name,
        PolicyName=_POLICY_NAME,
        PolicyDocument=json.dumps(firmware_reader_policy(bucket, "firmware/*", region=region)),
    )


@translated("sns")
def make_topics(clients: AwsClients, names: Iterable[str]) -> None:
    """Make SNS topics unless they are there."""
    for name in names:
        clients.sns.create_topic(Name=name)


@translated("cloudwatch")
def make_alarms(clients: AwsClients, names: Iterable[str]) -> None:
    """Make alarms that are OK as long as nobody sends them a value."""
    for name in sorted(names):
        clients.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="otactl",
            MetricName="rehearsal",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        clients.cloudwatch.set_alarm_state(
            AlarmName=name, StateValue="OK", StateReason="a rehearsal begins"
        )
