"""Each grant of the template is needed, and the grants are enough.

For each one a stack is deployed without it, and exactly the hop it is for is seen to fail; the
list of grants comes from the template, so a new one without a test fails. That they are enough is
shown by `tests/e2e/test_stack_loop.py`, and here by the stack with all of them.

The local cloud asks these policies as AWS does: `otactl.cloud.ministack.permission`.
"""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from tests.conftest import ACCOUNT_ID, REGION
from tests.support import waiting
from tests.support.cloud_time import cloud_time_ms
from tests.support.stack_template import grants, load_template, without

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.model.alarm import OWN_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from otactl.cloud import RunningCloud

wait_until = partial(waiting.wait_until, seconds=30)

SPEED = 60.0


@pytest.fixture(scope="module")
def fast_cloud() -> Iterator[RunningCloud]:
    settings = CloudSettings(account_id=ACCOUNT_ID, region=REGION, speed=SPEED)
    with start_local_cloud(settings) as cloud:
        yield cloud


@dataclass(frozen=True)
class Trial:
    """A stack, and what is seen of it."""

    cloud: RunningCloud
    clients: AwsClients
    outputs: Mapping[str, str]
    job_id: str

    def send_event(self) -> None:
        """The end of an execution, handed to the rule."""
        event = {
            "eventType": "JOB_EXECUTION",
            "eventId": f"event-of-{self.job_id}",
            "timestamp": cloud_time_ms(self.cloud.address, time.time_ns() // 1_000_000) // 1000,
            "operation": "succeeded",
            "jobId": self.job_id,
            "status": "SUCCEEDED",
            "statusDetails": {"downloadTime": "1"},
        }
        self.clients.iot_data.publish(
            topic=f"$aws/rules/{self.outputs['RuleName']}/test", qos=1, payload=json.dumps(event)
        )

    def raise_alarm(self) -> None:
        """An alarm on a running job goes off."""
        thing = self.clients.iot.create_thing(thingName=self.job_id)["thingArn"]
        self.clients.iot.create_job(jobId=self.job_id, targets=[thing], document="{}")
        self.clients.cloudwatch.put_metric_alarm(
            AlarmName=self.job_id,
            Namespace=OWN_NAMESPACE,
            MetricName="failed",
            Dimensions=[{"Name": "jobId", "Value": self.job_id}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
            AlarmActions=[self.outputs["ForceStopperTopicArn"]],
        )
        self.clients.cloudwatch.set_alarm_state(
            AlarmName=self.job_id, StateValue="ALARM", StateReason="a test"
        )

    def counted(self) -> float:
        """How often the event was counted."""
        now = cloud_time_ms(self.cloud.address, time.time_ns() // 1_000_000) / 1000
        points = self.clients.cloudwatch.get_metric_statistics(
            Namespace=OWN_NAMESPACE,
            MetricName="succeeded",
            Dimensions=[{"Name": "jobId", "Value": self.job_id}],
            StartTime=now - 7200,
            EndTime=now + 7200,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    def log_lines(self, output: str) -> list[str]:
        found = self.clients.logs.filter_log_events(logGroupName=self.outputs[output])["events"]
        return [event["message"] for event in found]

    def put_aside(self) -> list[dict[str, Any]]:
        found = self.clients.sqs.receive_message(
            QueueUrl=self.outputs["FailureQueueUrl"], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in found.get("Messages", ())]

    def claims(self) -> list[Any]:
        table = self.outputs["ClaimsTableArn"].rpartition("/")[2]
        return self.clients.dynamodb.scan(TableName=table)["Items"]

    def job_status(self) -> str:
        return self.clients.iot.describe_job(jobId=self.job_id)["job"]["status"]

    def cloud_says(self, *words: str) -> bool:
        lines = self.cloud.log_file.read_text().splitlines()
        return any(all(word in line for word in words) for line in lines)


@pytest.fixture
def deploy(fast_cloud: RunningCloud) -> Iterator[Callable[..., Trial]]:
    """Deploys the stack without some grants."""
    clients = AwsClients(AwsSettings.for_local_cloud(fast_cloud.address))
    names = []

    def deploy_without(*missing: str) -> Trial:
        name = f"trial-{uuid.uuid4().hex[:8]}"
        names.append(name)
        clients.cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(without(one_attempt(load_template()), *missing)),
            Parameters=[{"ParameterKey": "TopicNamePrefix", "ParameterValue": f"{name}-"}],
            Capabilities=["CAPABILITY_IAM"],
        )
        clients.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0}
        )
        stack = clients.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return Trial(fast_cloud, clients, outputs, f"job-{name}")

    yield deploy_without
    for name in names:
        clients.cloudformation.delete_stack(StackName=name)


def one_attempt(template: dict[str, Any]) -> dict[str, Any]:
    """The template without retries, which are not the matter here and take minutes."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
            resource["Properties"]["MaximumRetryAttempts"] = 0
    return template


Deploy = "Callable[..., Trial]"


def test_with_all_grants_everything_works(deploy: Deploy) -> None:
    trial = deploy()

    trial.send_event()
    wait_until(trial.counted)
    trial.send_event()
    wait_until(lambda: sum('"duplicates": 1' in line for line in generator_log(trial)) == 1)
    trial.raise_alarm()
    wait_until(lambda: trial.job_status() == "CANCELED")
    wait_until(lambda: any('"canceled"' in line for line in stopper_log(trial)))

    assert trial.counted() == 1
    assert trial.put_aside() == []


def generator_log(trial: Trial) -> list[str]:
    return trial.log_lines("MetricsGeneratorLogGroup")


def stopper_log(trial: Trial) -> list[str]:
    return trial.log_lines("ForceStopperLogGroup")


def function_name(trial: Trial, output: str) -> str:
    return trial.outputs[output].rpartition(":")[2]


def no_call_but_the_event_is_kept(trial: Trial) -> None:
    trial.send_event()
    wait_until(trial.put_aside)
    (kept,) = trial.put_aside()
    assert kept["ruleName"] == trial.outputs["RuleName"]
    assert kept["failures"][0]["failedAction"] == "LambdaAction"


def no_call_and_the_event_is_lost(trial: Trial) -> None:
    trial.send_event()
    wait_until(lambda: trial.cloud_says(trial.outputs["RuleName"], "errorAction failed"))
    assert trial.put_aside() == []


def no_metric_but_the_event_is_kept(trial: Trial) -> None:
    trial.send_event()
    wait_until(trial.put_aside)
    (kept,) = trial.put_aside()
    assert kept["requestPayload"]["jobId"] == trial.job_id
    assert trial.claims() == [], "and can be sent again"
    assert not trial.counted()


def no_metric_and_the_event_is_lost(trial: Trial) -> None:
    trial.send_event()
    wait_until(
        lambda: trial.cloud_says(function_name(trial, "MetricsGeneratorArn"), "may not send")
    )
    assert trial.put_aside() == []


def the_claim_of_what_failed_stays(trial: Trial) -> None:
    trial.send_event()
    wait_until(lambda: any("claim not updated" in line for line in generator_log(trial)))
    assert len(trial.claims()) == 1


def a_duplicate_counts(trial: Trial) -> None:
    trial.send_event()
    trial.send_event()
    wait_until(lambda: trial.counted() == 2)


def the_generator_is_silent(trial: Trial) -> None:
    trial.send_event()
    wait_until(trial.counted)
    wait_until(
        lambda: trial.cloud_says(function_name(trial, "MetricsGeneratorArn"), "may not write")
    )
    assert generator_log(trial) == []


def the_alarm_is_not_heard(trial: Trial) -> None:
    trial.raise_alarm()
    wait_until(lambda: trial.cloud_says(trial.job_id, "does not let CloudWatch publish"))
    assert trial.job_status() == "IN_PROGRESS"


def the_stopper_is_not_called(trial: Trial) -> None:
    trial.raise_alarm()
    wait_until(lambda: trial.cloud_says(trial.outputs["ForceStopperArn"], "does not let sns"))
    assert trial.job_status() == "IN_PROGRESS"


def the_job_goes_on_but_the_alarm_is_kept(trial: Trial) -> None:
    trial.raise_alarm()
    wait_until(trial.put_aside)
    (kept,) = trial.put_aside()
    assert trial.job_id in kept["requestPayload"]["Records"][0]["Sns"]["Message"]
    assert trial.job_status() == "IN_PROGRESS"


def the_job_goes_on_and_the_alarm_is_lost(trial: Trial) -> None:
    trial.raise_alarm()
    wait_until(lambda: trial.cloud_says(function_name(trial, "ForceStopperArn"), "may not send"))
    assert trial.put_aside() == []


def the_stopper_is_silent(trial: Trial) -> None:
    trial.raise_alarm()
    wait_until(lambda: trial.job_status() == "CANCELED")
    wait_until(lambda: trial.cloud_says(function_name(trial, "ForceStopperArn"), "may not write"))
    assert stopper_log(trial) == []


#: What is left out, and what is seen then. Where the last grant of a line is for the case that
#: another is missing, that one is left out as well.
CASES: list[tuple[tuple[str, ...], Callable[[Trial], None]]] = [
    (("RuleMayCallMetricsGenerator",), no_call_but_the_event_is_kept),
    (
        ("RuleMayCallMetricsGenerator", "RuleErrorRole/PutEventsAside"),
        no_call_and_the_event_is_lost,
    ),
    (("RuleMayCallMetricsGenerator", "RuleErrorRole/trust"), no_call_and_the_event_is_lost),
    (("MetricsGeneratorRole/PublishMetrics",), no_metric_but_the_event_is_kept),
    (
        ("MetricsGeneratorRole/PublishMetrics", "MetricsGeneratorRole/PutEventsAside"),
        no_metric_and_the_event_is_lost,
    ),
    (
        ("MetricsGeneratorRole/PublishMetrics", "MetricsGeneratorRole/ReleaseEvents"),
        the_claim_of_what_failed_stays,
    ),
    (("MetricsGeneratorRole/ClaimEvents",), a_duplicate_counts),
    (("MetricsGeneratorRole/WriteOwnLog",), the_generator_is_silent),
    (("MetricsGeneratorRole/trust",), the_generator_is_silent),
    (("AlarmsMayNotify",), the_alarm_is_not_heard),
    (("TopicMayCallForceStopper",), the_stopper_is_not_called),
    (("ForceStopperRole/CancelJobs",), the_job_goes_on_but_the_alarm_is_kept),
    (
        ("ForceStopperRole/CancelJobs", "ForceStopperRole/PutAlarmsAside"),
        the_job_goes_on_and_the_alarm_is_lost,
    ),
    (("ForceStopperRole/WriteOwnLog",), the_stopper_is_silent),
    (("ForceStopperRole/trust",), the_stopper_is_silent),
]


@pytest.mark.parametrize(
    ("missing", "is_seen"), CASES, ids=["+".join(missing) for missing, _ in CASES]
)
def test_each_grant_is_needed(
    deploy: Deploy, missing: tuple[str, ...], is_seen: Callable[[Trial], None]
) -> None:
    is_seen(deploy(*missing))


def test_no_grant_of_the_template_is_without_a_test() -> None:
    assert {missing[-1] for missing, _ in CASES} == set(grants(load_template()))


PROBE = """
import boto3
from botocore.exceptions import ClientError

def probe(event, context):
    client = boto3.client(event["service"])
    try:
        getattr(client, event["operation"])(**event["parameters"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""


@pytest.fixture
def as_role(deploy: Deploy) -> Iterator[Callable[..., str]]:
    """Calls AWS from a Lambda function that has one of the stack's roles."""
    trial = deploy()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("probe.py", PROBE)
    functions = trial.clients.lambda_
    made = []

    def call(role_output: str, service: str, operation: str, **parameters: Any) -> str:
        name = f"probe-{role_output}-{trial.job_id}"[:64]
        if name not in made:
            functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=trial.outputs[role_output],
                Handler="probe.probe",
                Code={"ZipFile": packed.getvalue()},
            )
            made.append(name)
        request = {"service": service, "operation": operation, "parameters": parameters}
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(request))
        return json.loads(answer["Payload"].read())

    yield call
    for name in made:
        functions.delete_function(FunctionName=name)


TO_JOBS: dict[str, dict[str, Any]] = {
    "create_job": {"jobId": "j", "targets": [f"arn:aws:iot:{REGION}:{ACCOUNT_ID}:thing/t"]},
    "update_job": {"jobId": "j", "description": "d"},
    "delete_job": {"jobId": "j", "force": True},
    "describe_job": {"jobId": "j"},
    "list_jobs": {},
    "get_job_document": {"jobId": "j"},
    "list_job_executions_for_job": {"jobId": "j"},
    "describe_job_execution": {"jobId": "j", "thingName": "t"},
    "cancel_job_execution": {"jobId": "j", "thingName": "t", "force": True},
    "delete_job_execution": {"jobId": "j", "thingName": "t", "executionNumber": 1},
    "associate_targets_with_job": {
        "jobId": "j",
        "targets": [f"arn:aws:iot:{REGION}:{ACCOUNT_ID}:thinggroup/g"],
    },
}


def test_cancelling_is_all_the_force_stopper_may_do_to_jobs(as_role: Callable[..., str]) -> None:
    role = "ForceStopperRoleArn"

    refused = {
        operation: as_role(role, "iot", operation, **parameters)
        for operation, parameters in TO_JOBS.items()
    }

    assert set(refused.values()) == {"AccessDeniedException"}, refused
    # The job is missing, the permission is not.
    assert as_role(role, "iot", "cancel_job", jobId="j") == "ResourceNotFoundException"


def test_of_all_operations_of_iot_the_force_stopper_may_use_one(
    deploy: Deploy, fast_cloud: RunningCloud
) -> None:
    trial = deploy()
    model = botocore.session.get_session().get_service_model("iot")
    actions = [f"iot:{name}" for name in model.operation_names]

    allowed = set()
    for start in range(0, len(actions), 50):
        answer = trial.clients.iam.simulate_principal_policy(
            PolicySourceArn=trial.outputs["ForceStopperRoleArn"],
            ActionNames=actions[start : start + 50],
            ResourceArns=[f"arn:aws:iot:{REGION}:{ACCOUNT_ID}:job/any"],
        )
        allowed |= {
            result["EvalActionName"]
            for result in answer["EvaluationResults"]
            if result["EvalDecision"] == "allowed"
        }

    assert allowed == {"iot:CancelJob"}


def test_the_metrics_generator_writes_in_its_namespace_only(as_role: Callable[..., str]) -> None:
    datum = [{"MetricName": "m", "Value": 1.0}]
    role, publish = "MetricsGeneratorRoleArn", ("cloudwatch", "put_metric_data")

    assert as_role(role, *publish, Namespace=OWN_NAMESPACE, MetricData=datum) == "done"
    assert as_role(role, *publish, Namespace="Other", MetricData=datum).startswith("AccessDenied")
