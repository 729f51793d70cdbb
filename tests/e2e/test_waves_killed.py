"""Kill -9 around the steps of waves: what resumes brings each device the image once.

`tests/unit/deploy/test_waves_killed.py` dies at every instant there is, in memory; here a process
really dies, against the local cloud, with devices that ask for jobs and count what they get.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from tests.e2e.deployable import Deployable
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
from otactl.model.wave import MAX_NAMED_THINGS
from otactl.operations.deployment import make_plan, run_deployment
from otactl.operations.load import load_deployment

STEP_KEYS = (
    "image",
    "stream",
    "wave-canary/job",
    "wave-rest/group",
    "wave-canary/gate",
    "wave-rest/members",
    "wave-rest/job",
    "wave-rest/gate",
    "waves/end",
)
#: The quick run takes the instants that hurt most; the full series is in `make test-all`.
QUICK = {
    ("wave-canary/job", Moment.AFTER_DO, "resume"),
    ("wave-canary/gate", Moment.AFTER_DO, "resume"),
    ("wave-rest/job", Moment.BEGUN, "resume"),
    ("waves/end", Moment.BEGUN, "clean"),
}


def cases():
    for key in STEP_KEYS:
        for moment in (*DOING, *UNDOING):
            if moment in UNDOING and key.rpartition("/")[2] in ("gate", "members", "end"):
                # Their undoing does nothing, and the journal's entries around it are the others'.
                continue
            for way in ("resume", "clean"):
                marks = () if (key, moment, way) in QUICK else (pytest.mark.slow,)
                name = f"{key}-{moment.lower()}-{way}"
                yield pytest.param(key, moment, way, marks=marks, id=name)


@pytest.fixture(scope="module")
def thing_names(clients):
    names = [f"wk-{os.getpid()}-{number}" for number in range(MAX_NAMED_THINGS + 3)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    return names


@pytest.fixture
def environment(cloud, tmp_path):
    return local_environment(cloud, tmp_path / "state")


@pytest.fixture
def dev_ini(firmware_bucket, stream_role_arn, thing_names, tmp_path, unique) -> Path:
    return Deployable(
        folder=tmp_path,
        thing_names=thing_names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"wk-{unique}",
        sections="[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        "[WAVE_CONFIG]\nwaveList = canary:2\nsoakMinutes = 0\nrequiredEndedPercentage = 100\n",
    ).write(useWaveConfig=True, useTimeoutConfig=True, cleanUpCfg=True)


def test_the_cases_are_the_steps_of_the_plan(dev_ini, environment):
    plan = make_plan(load_deployment(dev_ini), environment, PlanOptions())

    assert tuple(step.key for step in plan.steps) == STEP_KEYS


@pytest.mark.parametrize(("key", "moment", "way"), list(cases()))
def test_killed_waves_are_resumed_or_cleaned(
    key, moment, way, dev_ini, environment, clients, thing_names, firmware_bucket
):
    before = take_inventory(clients, (firmware_bucket,))
    with DeviceLoop(clients, thing_names) as devices:
        deployment_id = run_until_killed(dev_ini, environment, Killer(key, moment))
        journal = Journal.open(DeploymentStore(environment.state_dir).path(deployment_id))
        if way == "resume":
            result, failure = run_deployment(journal, environment)
            assert failure is None
            assert result.is_success
            assert [len(journal.wave_things(number)) for number in (1, 2)] == [2, 101]
            # Each device was handed one job, and none two.
            assert Counter(devices.answered) == dict.fromkeys(thing_names, 1)
        else:
            Executor(journal, environment.services(), Observer(), dict).clean(Consent.YES)
            assert max(Counter(devices.answered).values(), default=1) == 1
    assert journal.phase is Phase.FINISHED
    journal.close()

    assert take_inventory(clients, (firmware_bucket,)) <= before
