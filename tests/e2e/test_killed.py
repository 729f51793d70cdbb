"""Kill -9 before and after every step of a plan, doing and undoing: nothing is ever lost.

The cases come from a plan with one step of every kind, so a new kind of step is killed, too. Each
case forks a process that carries the deployment out until the instant and then kills itself with
SIGKILL: no handler runs, no file is closed. Then ``resume`` must reach the end of an undisturbed
run, or ``clean`` an empty cloud.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.e2e.device_loop import DeviceLoop
from tests.support.killed_deployment import (
    DOING,
    UNDOING,
    Killer,
    local_environment,
    run_until_killed,
)

from otactl.aws.inventory import take_inventory
from otactl.deploy.consent import Consent
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Phase
from otactl.deploy.observer import Moment, Observer
from otactl.deploy.planner import PlanOptions
from otactl.deploy.store import DeploymentStore
from otactl.deploy.targeting import MAX_JOB_TARGETS
from otactl.operations.deployment import make_plan, run_deployment
from otactl.operations.load import load_deployment

#: One of every kind of step, in the order in which the planner puts them.
STEP_KEYS = (
    "image",
    "job-document",
    "thing-group",
    "thing-group/members",
    "alarm/otactl-{job}-slow",
    "stream",
    "round-1/job",
    "round-1/await",
    "round-2/job",
    "round-2/await",
)
#: The quick run takes the instants that hurt most; the full series is in `make test-all`.
QUICK = {
    ("image", Moment.AFTER_DO),
    ("thing-group/members", Moment.BEGUN),
    ("stream", Moment.AFTER_DO),
    ("round-1/job", Moment.AFTER_DO),
    ("round-1/await", Moment.AFTER_DO),
    ("round-1/job", Moment.UNDOING),
    ("round-1/job", Moment.AFTER_UNDO),
    ("round-2/job", Moment.BEFORE_BEGIN),
    ("thing-group", Moment.UNDOING),
}


def cases():
    for key in STEP_KEYS:
        for moment in (*DOING, *UNDOING):
            marks = () if (key, moment) in QUICK else (pytest.mark.slow,)
            yield pytest.param(key, moment, marks=marks, id=f"{key}-{moment.lower()}")


@pytest.fixture(scope="module")
def thing_names(clients):
    names = [f"killed-{os.getpid()}-{number}" for number in range(MAX_JOB_TARGETS + 1)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    return names


@pytest.fixture
def environment(cloud, tmp_path):
    return local_environment(cloud, tmp_path / "state")


@pytest.fixture
def dev_ini(clients, firmware_bucket, stream_role_arn, thing_names, tmp_path, unique) -> Path:
    (tmp_path / "image.bin").write_bytes(os.urandom(5000))
    (tmp_path / "job_temp.json").write_text('{"Info1": "123"}')
    (tmp_path / "things.txt").write_text(
        "\n".join(f"arn:aws:iot:us-east-1:123456789012:thing/{name}" for name in thing_names)
    )
    path = tmp_path / "dev.ini"
    path.write_text(
        f"""[DEFAULT]
thingList = things.txt
binName = image.bin
roleArn = {stream_role_arn}
jobId = job-{unique}
rounds = 2
bucket = {firmware_bucket}
cleanUpCfg = True
debug = False
defaultDelay = 0
region = us-east-1
streamId = stream-{unique}
iotApiSleepTime = 0
fileChunkSize = 8192
targetSelection = SNAPSHOT
useCustomJobDocument = True

[CUSTOM_JOB_DOCUMENT]
jobDocSrcCfg = local_file
jobDocPath = job_temp.json

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
    )
    return path


def test_the_cases_are_the_steps_of_the_plan(dev_ini, environment, unique):
    plan = make_plan(load_deployment(dev_ini), environment, PlanOptions())

    assert [step.key for step in plan.steps] == [
        key.format(job=f"job-{unique}") for key in STEP_KEYS
    ]


@pytest.mark.parametrize(("key", "moment"), list(cases()))
@pytest.mark.parametrize("way", ["resume", "clean"])
def test_a_killed_deployment_is_resumed_or_cleaned(
    key, moment, way, dev_ini, environment, clients, thing_names, firmware_bucket, unique
):
    before = take_inventory(clients, (firmware_bucket,))
    with DeviceLoop(clients, thing_names) as devices:
        killer = Killer(key.format(job=f"job-{unique}"), moment)
        deployment_id = run_until_killed(dev_ini, environment, killer)
        journal = Journal.open(DeploymentStore(environment.state_dir).path(deployment_id))
        if way == "resume":
            result, failure = run_deployment(journal, environment)
            assert failure is None
            assert result.is_success
            assert [len(r.outcomes) for r in result.rounds] == [10, 10]
            # Each round had a job of its own, and none had two.
            assert len(devices.documents) == 2 * len(thing_names)
        else:
            Executor(journal, environment.services(), Observer(), dict).clean(Consent.YES)
    assert journal.phase is Phase.FINISHED
    journal.close()

    assert take_inventory(clients, (firmware_bucket,)) <= before
