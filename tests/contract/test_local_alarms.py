"""What the local cloud adds to MiniStack's alarms, notifications and function calls."""

from __future__ import annotations

import io
import json
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import ACCOUNT_ID, REGION
from tests.support import waiting
from tests.support.cloud_time import cloud_time_ms

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.cloud import RunningCloud

wait_until = partial(waiting.wait_until, seconds=30)

SPEED = 120.0


@pytest.fixture(scope="module")
def fast_cloud() -> Iterator[RunningCloud]:
    settings = CloudSettings(account_id=ACCOUNT_ID, region=REGION, speed=SPEED)
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def fast(fast_cloud: RunningCloud) -> AwsClients:
    return AwsClients(AwsSettings.for_local_cloud(fast_cloud.address))


class Watch:
    """A metric and alarms on it.

    Args:
        cloud: Where.
        namespace: Of its own, so that tests do not see each other's values.
    """

    def __init__(self, cloud: RunningCloud, clients: AwsClients, namespace: str) -> None:
        self._cloud = cloud
        self._cloudwatch = clients.cloudwatch
        self._namespace = namespace

    def cloud_seconds(self) -> float:
        return cloud_time_ms(self._cloud.address, time.time_ns() // 1_000_000) / 1000

    def alarm(self, job: str, **changes: Any) -> str:
        name = f"{self._namespace}-{job}-{len(changes)}"
        parameters: dict[str, Any] = {
            "AlarmName": name,
            "Namespace": self._namespace,
            "MetricName": "m",
            "Dimensions": [{"Name": "jobId", "Value": job}],
            "ExtendedStatistic": "p99",
            "Period": 60,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        self._cloudwatch.put_metric_alarm(**(parameters | changes))
        return name

    def put(self, job: str, *values: float, at: float | None = None) -> None:
        self._cloudwatch.put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {
                    "MetricName": "m",
                    "Dimensions": [{"Name": "jobId", "Value": job}],
                    "Timestamp": self.cloud_seconds() if at is None else at,
                    "Values": list(values),
                }
            ],
        )

    def state(self, name: str) -> str:
        (alarm,) = self._cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]

    def wait_for(self, name: str, state: str) -> None:
        wait_until(lambda: self.state(name) == state)


@pytest.fixture
def watch(fast_cloud: RunningCloud, fast: AwsClients, unique: str) -> Watch:
    return Watch(fast_cloud, fast, f"test-{unique}")


def test_an_alarm_that_cloudwatch_refuses_is_refused(watch: Watch, fast: AwsClients) -> None:
    for wrong in ({"Period": 45}, {"DatapointsToAlarm": 6}, {"EvaluationPeriods": 2000}):
        with pytest.raises(fast.cloudwatch.exceptions.ClientError, match="ValidationError"):
            watch.alarm("refused", **wrong)


def test_an_alarm_watches_its_own_dimension_and_is_ok_again_by_itself(watch: Watch) -> None:
    bad, good = watch.alarm("bad"), watch.alarm("good")
    watch.put("good", 1)
    watch.put("bad", 11)

    watch.wait_for(bad, "ALARM")
    assert watch.state(good) == "OK"
    # After five minutes nothing is left of it, and nobody had to call.
    watch.wait_for(bad, "OK")


def test_m_of_n_minutes_must_be_bad_not_m_values(watch: Watch) -> None:
    name = watch.alarm("job", EvaluationPeriods=30, DatapointsToAlarm=2)
    now = watch.cloud_seconds()
    watch.put("job", 11, 12, 13, at=now - 120)
    watch.wait_for(name, "OK")

    watch.put("job", 11, at=now - 240)

    watch.wait_for(name, "ALARM")


def test_a_percentile_lies_between_two_values(watch: Watch) -> None:
    # Half of them are 10 or less; the percentile is 10.5, which is above 10.
    name = watch.alarm("job", ExtendedStatistic="p50", EvaluationPeriods=30)
    watch.put("job", 1, 10, 11, 1000)

    watch.wait_for(name, "ALARM")


def test_without_data_an_alarm_says_so_when_missing_is_missing(watch: Watch) -> None:
    # Ten minutes are five seconds here: on a busy machine, too, a poll falls into them.
    name = watch.alarm("job", TreatMissingData="missing", EvaluationPeriods=10)
    watch.put("job", 1)

    watch.wait_for(name, "OK")
    watch.wait_for(name, "INSUFFICIENT_DATA")


def test_the_message_is_spelled_as_cloudwatch_spells_it(
    watch: Watch, fast_cloud: RunningCloud, fast: AwsClients, unique: str
) -> None:
    topic = fast.sns.create_topic(Name=f"people-{unique}")["TopicArn"]
    fast.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{unique}@example.com")
    name = watch.alarm("job", AlarmActions=[topic])
    watch.put("job", 11)
    watch.wait_for(name, "ALARM")

    mails = mails_to(fast_cloud, f"{unique}@example.com")

    assert len(mails) == 1, "an alarm tells of a change, not of a state"
    assert mails[0]["subject"].startswith(f'ALARM: "{name}" in ')
    message = json.loads(mails[0]["message"])
    assert message["AlarmArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{name}"
    assert message["Trigger"]["Dimensions"] == [{"value": "job", "name": "jobId"}]
    assert message["Trigger"]["ExtendedStatistic"] == "p99"


def mails_to(cloud: RunningCloud, address: str) -> list[dict[str, Any]]:
    outbox = Path(cloud.address.state_dir) / "outbox.jsonl"
    wait_until(lambda: outbox.exists() and address in outbox.read_text())
    mails = [json.loads(line) for line in outbox.read_text().splitlines()]
    return [mail for mail in mails if mail["endpoint"] == address]


FAILING = """
def handler(event, context):
    print("called")
    raise RuntimeError("always")
"""


def test_a_function_that_fails_is_called_thrice_and_the_event_is_put_aside(
    fast: AwsClients, unique: str
) -> None:
    queue = fast.sqs.create_queue(QueueName=f"failed-{unique}")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:failed-{unique}"
    name = f"failing-{unique}"
    function = fast.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=make_role(fast, name, queue_arn),
        Handler="index.handler",
        Code={"ZipFile": zipped(FAILING)},
    )["FunctionArn"]
    fast.lambda_.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="$LATEST",
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    topic = fast.sns.create_topic(Name=name)["TopicArn"]
    fast.lambda_.add_permission(
        FunctionName=name,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    fast.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)

    fast.sns.publish(TopicArn=topic, Message="hello")

    wait_until(lambda: fast.sqs.receive_message(QueueUrl=queue).get("Messages"))
    calls = fast.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="called")
    assert len(calls["events"]) == 3


PRINTING = """
def handler(event, context):
    print("line of call", event["number"])
"""


def test_no_line_of_a_functions_log_is_lost(fast: AwsClients, unique: str) -> None:
    name = f"printing-{unique}"
    fast.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=make_role(fast, name, "*"),
        Handler="index.handler",
        Code={"ZipFile": zipped(PRINTING)},
    )

    for number in range(40):
        fast.lambda_.invoke(FunctionName=name, Payload=json.dumps({"number": number}))

    found = fast.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="line")
    assert len(found["events"]) == 40


def make_role(clients: AwsClients, name: str, queue_arn: str) -> str:
    """A role for a function that logs and puts aside what it cannot do."""
    trust = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = clients.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=policy([{"Effect": "Allow", **trust}])
    )
    allowed = [(["logs:CreateLogStream", "logs:PutLogEvents"], "*"), ("sqs:SendMessage", queue_arn)]
    clients.iam.put_role_policy(
        RoleName=name,
        PolicyName="all",
        PolicyDocument=policy(
            [
                {"Effect": "Allow", "Action": action, "Resource": resource}
                for action, resource in allowed
            ]
        ),
    )
    return role["Role"]["Arn"]


def policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()
