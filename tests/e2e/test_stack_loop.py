"""The whole loop: devices report, an alarm goes off, the job is stopped, the deployment says so.

Nothing in it is faked: `otactl stack deploy` makes the stack, `otactl deploy` runs the job, the
devices talk to the jobs API, AWS IoT's events go through the rule to the Lambda function, its
metric moves the alarm, SNS calls the force-stopper, and that cancels the job. The local cloud's
clock runs fast, because alarms and rollouts go by the minute.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from tests.conftest import ACCOUNT_ID, REGION, make_reader_role
from tests.e2e.deployable import Deployable
from tests.e2e.program import otactl
from tests.support import waiting

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.model.alarm import Alarm, AlarmType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from otactl.cloud import RunningCloud

wait_until = partial(waiting.wait_until, seconds=30)

SPEED = 60.0
#: A rollout of this pace takes an hour of the cloud's time; the loop takes minutes.
THINGS, PER_MINUTE = 120, 2
BUCKET, ROLE = "loop-firmware", "loop-stream"
PERSON = "ops@example.com"


@pytest.fixture(scope="module")
def fast_cloud() -> Iterator[RunningCloud]:
    settings = CloudSettings(account_id=ACCOUNT_ID, region=REGION, speed=SPEED)
    with start_local_cloud(settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def fast(fast_cloud: RunningCloud) -> AwsClients:
    return AwsClients(AwsSettings.for_local_cloud(fast_cloud.address))


@pytest.fixture(scope="module")
def role_arn(fast: AwsClients) -> str:
    fast.s3.create_bucket(Bucket=BUCKET)
    return make_reader_role(fast, ROLE, BUCKET)


@pytest.fixture(scope="module")
def outputs(fast_cloud: RunningCloud) -> Mapping[str, str]:
    """The outputs of a stack that `otactl stack deploy` made."""
    made = otactl(
        "stack", "deploy", "--yes", "--email", PERSON, "--datapoints", "1",
        "--poll", "0.2", "-o", "json",
        cloud=fast_cloud,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["outputs"]


@pytest.fixture
def thing_names(fast: AwsClients, unique: str) -> list[str]:
    names = [f"thing-{unique}-{number:03}" for number in range(THINGS)]
    for name in names:
        fast.iot.create_thing(thingName=name)
    return names


class ReportingDevices:
    """Things that finish each job they are offered and report what they are told to.

    Args:
        details: The statusDetails of their last update.
    """

    def __init__(
        self, clients: AwsClients, thing_names: Sequence[str], details: Mapping[str, str]
    ) -> None:
        self._clients = clients
        self._thing_names = thing_names
        self._details = details
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            for name in self._thing_names:
                self._finish_next(name)

    def _finish_next(self, name: str) -> None:
        device = self._clients.iot_jobs_data
        offered = device.start_next_pending_job_execution(thingName=name).get("execution")
        if offered:
            try:
                device.update_job_execution(
                    thingName=name,
                    jobId=offered["jobId"],
                    status="SUCCEEDED",
                    statusDetails=dict(self._details),
                )
            except device.exceptions.InvalidStateTransitionException:
                return  # cancelled with force while it was at it: what this test is about


def alarm_section(topic_arn: str, *, alarm_type: str, threshold: float) -> str:
    return f"""
[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = {PER_MINUTE}
useExponentialRateCfg = False

[ALARM_CONFIG]
alarmList = DownloadTime

[ALARM_CONFIG_DownloadTime]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = {threshold}
alarmType = {alarm_type}
evaluationPeriods = 5
datapointsToAlarm = 2
snsTopics = {topic_arn}
"""


@dataclass(frozen=True)
class Rule:
    """What a download time must not be, one that is, and one that is not."""

    alarm_type: AlarmType
    threshold: float
    bad: str
    good: str


UPPER = Rule(AlarmType.UPPER, 3600, "4000.5", "12")
LOWER = Rule(AlarmType.LOWER, 100, "1.25", "300")


@pytest.mark.parametrize("rule", [UPPER, LOWER], ids=["upper", "lower"])
def test_a_bad_download_time_ends_the_rollout_of_its_job_and_of_no_other(
    fast_cloud: RunningCloud,
    fast: AwsClients,
    outputs: Mapping[str, str],
    role_arn: str,
    thing_names: list[str],
    tmp_path: Path,
    unique: str,
    rule: Rule,
) -> None:
    stopper, job_id = outputs["ForceStopperTopicArn"], f"loop-{unique}"
    bystander = start_bystander(fast, unique, rule, stopper)
    deployable = Deployable(
        folder=tmp_path,
        thing_names=thing_names,
        bucket=BUCKET,
        role_arn=role_arn,
        job_id=job_id,
        sections=sections(rule, stopper),
    )
    path = deployable.write(cleanUpCfg=False, useJobExecutionsRolloutConfig=True)
    with ReportingDevices(fast, thing_names, {"downloadTime": rule.bad, "retryCount": "3"}):
        deployed = otactl(
            "deploy", str(path), "--poll", "0.2", "--state-dir", str(tmp_path / "state"),
            cloud=fast_cloud,
        )  # fmt: skip

    assert deployed.returncode == 7, deployed.stderr
    assert f"job {job_id} was stopped by an alarm" in deployed.stderr
    job = fast.iot.describe_job(jobId=job_id)["job"]
    assert (job["status"], job["forceCanceled"]) == ("CANCELED", True)
    assert job["reasonCode"] == "OTACTL_FORCE_STOP"
    assert f"otactl-{job_id}-DownloadTime" in job["comment"]
    assert job["comment"] in deployed.stderr.replace("\n", " ")

    notified = things_of(fast, job_id)
    assert 2 <= len(notified) < THINGS
    for name in set(thing_names) - notified:
        reported = fast.iot.list_job_executions_for_thing(thingName=name)["executionSummaries"]
        assert reported == [], "never notified, never touched"

    assert state_of_alarm(fast, f"otactl-{bystander}-DownloadTime") == "OK"
    assert fast.iot.describe_job(jobId=bystander)["job"]["status"] == "IN_PROGRESS"
    if rule is UPPER:
        assert_people_were_told(fast_cloud)


def sections(rule: Rule, topic_arn: str) -> str:
    return f"""
[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = {PER_MINUTE}
useExponentialRateCfg = False

[ALARM_CONFIG]
alarmList = DownloadTime

[ALARM_CONFIG_DownloadTime]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = {rule.threshold}
alarmType = {rule.alarm_type}
evaluationPeriods = 5
datapointsToAlarm = 2
snsTopics = {topic_arn}
"""


def start_bystander(clients: AwsClients, unique: str, rule: Rule, topic_arn: str) -> str:
    """A job that does well, with the same alarm on the same metric: only the dimension differs.

    One of its things is done, the other one silent, so the job goes on.
    """
    job_id = f"bystander-{unique}"
    things = [f"{job_id}-done", f"{job_id}-silent"]
    targets = [clients.iot.create_thing(thingName=name)["thingArn"] for name in things]
    alarm = Alarm(
        name="DownloadTime",
        namespace="IoT:OTA:JobExecution",
        metric_name="downloadTime",
        statistic="p99",
        period_seconds=60,
        threshold=rule.threshold,
        alarm_type=rule.alarm_type,
        evaluation_periods=5,
        datapoints_to_alarm=1,
        sns_topics=(topic_arn,),
    )
    CloudWatchAlarms(clients).put(
        f"otactl-{job_id}-DownloadTime", alarm, job_id=job_id, description="of a test"
    )
    clients.iot.create_job(jobId=job_id, targets=targets, document="{}")
    with ReportingDevices(clients, things[:1], {"downloadTime": rule.good}):
        wait_until(
            lambda: clients.cloudwatch.list_metrics(
                MetricName="downloadTime", Dimensions=[{"Name": "jobId", "Value": job_id}]
            )["Metrics"],
            "the bystander's metric",
        )
    return job_id


def things_of(clients: AwsClients, job_id: str) -> set[str]:
    pages = clients.iot.get_paginator("list_job_executions_for_job").paginate(jobId=job_id)
    return {
        summary["thingArn"].rpartition("/")[2]
        for page in pages
        for summary in page["executionSummaries"]
    }


def state_of_alarm(clients: AwsClients, name: str) -> str:
    (alarm,) = clients.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"]


def assert_people_were_told(cloud: RunningCloud) -> None:
    """The stack's own alarm, on all jobs together, wrote to the person."""
    outbox = Path(cloud.address.state_dir) / "outbox.jsonl"
    wait_until(outbox.exists, "a message to the person")
    message = json.loads(outbox.read_text().splitlines()[0])
    assert (message["protocol"], message["endpoint"]) == ("email", PERSON)
    assert json.loads(message["message"])["Trigger"]["Dimensions"] == []
    assert json.loads(message["message"])["NewStateValue"] == "ALARM"
