"""The plan's API calls are those that an undisturbed deployment makes, one by one."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop

from otactl.aws.clients import AwsClients
from otactl.deploy.observer import Observer
from otactl.deploy.planner import PlanOptions
from otactl.deploy.step import job_deletion
from otactl.operations.clock import CommandClock
from otactl.operations.deployment import begin, make_plan, run_deployment
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import load_deployment


class CountedPolls(Observer):
    """Counts the polls of running jobs: how many there are depends on time."""

    def __init__(self) -> None:
        self.polls = 0

    def on_snapshot(self, round_number, snapshot) -> None:
        self.polls += 1


class CountedWaits(CommandClock):
    """Counts the waits for a deletion by their length; a poll of the job follows each."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0

    def sleep(self, seconds: float) -> None:
        self.waits += seconds == job_deletion.POLL_SECONDS
        super().sleep(seconds)


def without_polling(calls, polls):
    """The calls beside the polls of running jobs, and beside those that wait for a deletion."""
    fixed = Counter(calls)
    fixed["iot:DescribeJob"] -= polls
    return {name: count for name, count in sorted(fixed.items()) if count}


ALARM = """
[ALARM_CONFIG]
alarmList = slow

[ALARM_CONFIG_slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 60
threshold = 3600
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
"""
DOCUMENT = """
[CUSTOM_JOB_DOCUMENT]
jobDocSrcCfg = local_file
jobDocPath = own.json
"""
#: Keys of [DEFAULT], sections, how many things.
CONFIGURATIONS = {
    "one thing": ({}, "", 1),
    "kept": ({"cleanUpCfg": "False"}, "", 1),
    "two rounds": ({"rounds": "2"}, "", 2),
    "a document of one's own": ({"useCustomJobDocument": "True"}, DOCUMENT, 1),
    "a document of one's own, kept": (
        {"useCustomJobDocument": "True", "cleanUpCfg": "False"},
        DOCUMENT,
        1,
    ),
    "an alarm": ({}, ALARM, 1),
    "more things than a job has targets": ({}, "", 101),
    "more things, kept": ({"cleanUpCfg": "False"}, "", 101),
}
SAMPLE = ("two rounds", "a document of one's own, kept")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow)
        for name in CONFIGURATIONS
    ],
)
def test_what_is_planned_is_what_is_made(
    name, cloud, clients, firmware_bucket, stream_role_arn, tmp_path, unique
):
    changes, sections, things = CONFIGURATIONS[name]
    names = [f"counted-{unique}-{number}" for number in range(things)]
    for each in names:
        clients.iot.create_thing(thingName=each)
    deployable = Deployable(
        folder=tmp_path,
        thing_names=names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"counted-{unique}",
        sections=sections,
    )
    (tmp_path / "own.json").write_text('{"own": 1}')
    deployable.write(**changes)
    loaded = load_deployment(deployable.path)
    observer, clock = CountedPolls(), CountedWaits()
    environment = DeploymentEnvironment(
        clients=AwsClients(clients.settings),
        clock=clock,
        state_dir=tmp_path / "state",
        poll_seconds=0.3,
        observer=observer,
    )

    with DeviceLoop(clients, names):
        plan = make_plan(loaded, environment, PlanOptions())
        journal = begin(loaded, plan, environment)
        result, failure = run_deployment(journal, environment, find_leftovers=True)
        journal.close()

    assert failure is None
    made = environment.clients.calls.snapshot()
    assert result.api_calls == made
    assert without_polling(made, observer.polls + clock.waits) == plan.calls
