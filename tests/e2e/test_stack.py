"""`otactl stack` as a user runs it: preview, question, progress, status, test, rollback, delete."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import ACCOUNT_ID, REGION
from tests.e2e.program import environment, otactl, run_program

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.cloud import RunningCloud


@pytest.fixture(scope="module")
def stack_cloud() -> Iterator[RunningCloud]:
    """A fast cloud of this module's own: alarms go by the minute, topics have fixed names."""
    settings = CloudSettings(account_id=ACCOUNT_ID, region=REGION, speed=60)
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def aws(stack_cloud: RunningCloud) -> AwsClients:
    return AwsClients(AwsSettings.for_local_cloud(stack_cloud.address))


@pytest.fixture
def name(stack_cloud: RunningCloud, unique: str) -> Iterator[str]:
    """A stack's name; whatever has it is deleted afterwards."""
    name = f"stack-{unique}"
    yield name
    otactl("stack", "delete", "--name", name, "--yes", "--poll", "0.1", cloud=stack_cloud)


class Stack:
    """Runs the commands for one stack, which has a prefix of its own."""

    def __init__(self, cloud: RunningCloud, name: str) -> None:
        self.cloud = cloud
        self.name = name

    def run(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        return otactl("stack", command, "--name", self.name, *options, cloud=self.cloud)

    def deploy(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy", "--yes", "--prefix", f"{self.name}-", "--poll", "0.1", *options)

    def json(self, command: str, *options: str) -> dict[str, Any]:
        done = self.run(command, "--output", "json", *options)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def stack(stack_cloud: RunningCloud, name: str) -> Stack:
    return Stack(stack_cloud, name)


def test_it_is_created_updated_tested_and_deleted(stack: Stack, aws: AwsClients) -> None:
    created = stack.deploy("--email", "ops@example.com")
    assert created.returncode == 0, created.stderr
    assert "MetricsGenerator" in created.stderr, "the preview, then the progress"
    assert "create complete" in created.stderr
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{stack.name}-ota-force-stopper"
    assert topic in created.stdout

    updated = stack.deploy("--upper-limit", "120", "--sms", "+4915112345678", "-o", "json")
    changes = json.loads(updated.stdout)["changes"]
    assert {change["resource"] for change in changes} == {"DownloadTimeAlarm", "SmsSubscription"}
    status = stack.json("status")
    assert status["good"]
    assert status["parameters"]["DownloadTimeUpperLimit"] == "120"
    assert status["parameters"]["AlarmEmailEndpoint"] == "ops@example.com", "kept as it was"
    assert status["subscribers"] == [
        "email ops@example.com: confirmed",
        "sms +4915112345678: confirmed",
    ]
    assert status["failedMessages"] == 0
    assert stack.json("outputs")["outputs"]["ForceStopperTopicArn"] == topic

    again = stack.deploy()
    assert again.returncode == 0
    assert "up to date" in again.stderr

    tested = stack.run("test", "--poll", "0.2", "--max-wait", "60")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert tested.stdout.count("✓") == 6
    alarms = aws.cloudwatch.describe_alarms(AlarmNamePrefix="otactl-stack-test-")
    assert alarms["MetricAlarms"] == []

    deleted = stack.json("delete", "--yes", "--poll", "0.1")
    assert deleted["deleted"]
    assert stack.run("status").returncode == 1
    assert stack.run("outputs").returncode == 2
    topics = [each["TopicArn"] for each in aws.sns.list_topics()["Topics"]]
    assert not [each for each in topics if stack.name in each]


def test_removing_an_address_removes_its_subscription(stack: Stack) -> None:
    stack.deploy("--email", "ops@example.com")

    stack.deploy("--email", "")

    assert stack.json("status")["subscribers"] == []


def test_topics_of_somebody_else_are_not_taken_over(
    stack: Stack, aws: AwsClients, unique: str
) -> None:
    assert stack.deploy().returncode == 0
    taken = f"taken-{unique}-"
    aws.sns.create_topic(Name=f"{taken}sms-notification")

    refused = stack.run("deploy", "--yes", "--prefix", taken, "--poll", "0.1")

    assert refused.returncode == 2
    assert f"{taken}sms-notification" in refused.stderr
    assert stack.json("status")["parameters"]["TopicNamePrefix"] == f"{stack.name}-"


def test_a_second_stack_is_told_that_it_counts_everything_again(
    stack: Stack, stack_cloud: RunningCloud
) -> None:
    first = stack.deploy()
    assert "counts twice" not in first.stderr.replace("\n", " ")
    assert "counts twice" not in stack.deploy("--upper-limit", "99").stderr.replace("\n", " ")
    rule = stack.json("outputs")["outputs"]["RuleName"]

    second = Stack(stack_cloud, f"{stack.name}-b")
    shown = second.deploy("--dry-run").stderr.replace("\n", " ")

    assert rule in shown.replace(" ", "")
    assert "each execution counts twice" in shown


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--email", "nobody"), "must be an e-mail address, or empty"),
        (("--datapoints", "6"), "--datapoints 6: M out of N needs an M that is at most N"),
        (("--log-days", "2"), "LogRetentionDays"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_made(
    stack: Stack, options: tuple[str, str], complaint: str
) -> None:
    refused = stack.deploy(*options)

    assert refused.returncode == 2
    assert complaint in refused.stderr.replace("\n", " ")
    assert stack.run("status").returncode == 1, "not even a draft is left"


def test_a_dry_run_changes_nothing_and_leaves_no_draft(stack: Stack, aws: AwsClients) -> None:
    shown = stack.deploy("--dry-run", "--output", "json")

    assert shown.returncode == 0, shown.stderr
    assert len(json.loads(shown.stdout)["changes"]) > 15
    assert stack.run("status").returncode == 1


def test_without_a_terminal_nobody_can_agree(stack: Stack) -> None:
    refused = stack.run("deploy", "--prefix", f"{stack.name}-")

    assert refused.returncode == 2
    assert "pass --yes to confirm" in refused.stderr
    assert stack.run("status").returncode == 1


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_at_a_terminal_the_user_decides(stack: Stack, answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    options = ("--prefix", f"{stack.name}-", "--no-events", "--poll", "0.1")
    with subprocess.Popen(
        [sys.executable, "-m", "otactl", "stack", "deploy", "--name", stack.name, *options],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(stack.cloud),
    ) as program:
        os.write(ours, answer)
        assert program.wait(60) == code

    assert (stack.json("status")["status"] is not None) == (code == 0)


def test_ctrl_c_at_the_question_leaves_no_draft(stack: Stack) -> None:
    ours, theirs = pty.openpty()
    options = ("--prefix", f"{stack.name}-", "--no-events", "--poll", "0.1")
    with subprocess.Popen(
        [sys.executable, "-m", "otactl", "stack", "deploy", "--name", stack.name, *options],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(stack.cloud),
    ) as program:
        assert program.stderr is not None
        seen = b""
        while b"Change stack" not in seen:
            seen += program.stderr.read1()
        program.send_signal(signal.SIGINT)
        assert program.wait(30) != 0
    os.close(ours)

    assert stack.json("status")["status"] is None


def test_events_are_switched_on_only_when_that_is_wanted(start_cloud: Any, unique: str) -> None:
    cloud = start_cloud()
    stack = Stack(cloud, f"stack-{unique}")
    iot = AwsClients(AwsSettings.for_local_cloud(cloud.address)).iot

    def enabled() -> set[str]:
        configurations = iot.describe_event_configurations()["eventConfigurations"]
        return {kind for kind, each in configurations.items() if each["Enabled"]}

    left_off = stack.deploy("--no-events")
    assert "there will be no metrics" in left_off.stderr.replace("\n", " ")
    assert enabled() == set()
    assert not stack.json("status")["good"]

    stack.deploy("--events")
    assert enabled() == {"JOB", "JOB_EXECUTION"}
    assert stack.json("status")["good"]


def test_the_test_says_which_hop_is_broken(stack: Stack, aws: AwsClients) -> None:
    stack.deploy()
    function = stack.json("outputs")["outputs"]["MetricsGeneratorArn"]
    policy = json.loads(aws.lambda_.get_policy(FunctionName=function)["Policy"])
    aws.lambda_.remove_permission(FunctionName=function, StatementId=policy["Statement"][0]["Sid"])

    tested = stack.json("test", "--poll", "0.1", "--max-wait", "2")

    assert not tested["arrived"]
    assert tested["hops"][-1]["name"] == "topic rule -> metrics generator"
    assert tested["hops"][-1]["arrived"] is False
    assert "policy" in tested["hops"][-1]["detail"]


def test_the_template_is_printed_without_any_cloud(tmp_path: Any) -> None:
    printed = run_program("stack", "template", env=environment(None), cwd=tmp_path)
    as_json = run_program("stack", "template", "-o", "json", env=environment(None), cwd=tmp_path)

    assert printed.returncode == 0
    assert printed.stdout.startswith("AWSTemplateFormatVersion")
    assert json.loads(as_json.stdout)["templateBody"] == printed.stdout
