"""A thing group of 5,000 things is filled at its rate, and the gate is polled meanwhile."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import make_bucket, make_role
from otactl.deploy.observer import Observer
from otactl.deploy.planner import PlanOptions
from otactl.deploy.step_run import WaitOptions
from otactl.errors import GateWaits
from otactl.operations.clock import CommandClock
from otactl.operations.deployment import begin, make_plan, run_deployment
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import load_deployment

POLL_SECONDS = 5.0
ROLE = "arn:aws:iam::123456789012:role/filling"


class Looks(Observer):
    """Remembers when the canary's gate was looked at, and when its reasons spoke of filling."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.filling: list[tuple[float, int]] = []

    def on_gate(self, status, *, written):
        if not written or status.name != "canary":
            return
        self.at.append(time.monotonic())
        for reason in status.reasons:
            if "filling the group" in reason:
                left = int(reason.split(":")[1].split(" of ")[0].replace(",", ""))
                self.filling.append((self.at[-1], left))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_filling_keeps_its_rate_and_the_gate_its_polls(start_cloud, tmp_path):
    cloud = start_cloud()
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    make_bucket(clients, "filling", "us-east-1")
    make_role(clients, ROLE, bucket="filling", region="us-east-1")
    names = [f"fill-{number:05}" for number in range(5_003)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: clients.iot.create_thing(thingName=name), names))
    path = Deployable(
        folder=tmp_path,
        thing_names=names,
        bucket="filling",
        role_arn=ROLE,
        job_id="filling",
        sections="[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n[WAVE_CONFIG]\n"
        "waveList = canary:3\nsoakMinutes = 0\ngroupFillPerSecond = 50\nsampleSeed = 1\n",
    ).write(useWaveConfig=True, useTimeoutConfig=True, cleanUpCfg=True)
    looks = Looks()
    environment = DeploymentEnvironment(
        clients=AwsClients(AwsSettings.for_local_cloud(cloud.address)),
        clock=CommandClock(),
        state_dir=tmp_path / "state",
        poll_seconds=POLL_SECONDS,
        observer=looks,
        waiting=WaitOptions(max_wait_seconds=150),
    )
    loaded = load_deployment(path)
    plan = make_plan(loaded, environment, PlanOptions(detail_limit=0))
    journal = begin(loaded, plan, environment)
    with DeviceLoop(clients, plan.wave_things[0]):
        _, failure = run_deployment(journal, environment)
    assert failure is None or isinstance(failure, GateWaits)
    assert journal.filled_until(2) == max(plan.wave_things[1])
    journal.close()

    (began, most), (ended, least) = looks.filling[0], looks.filling[-1]
    rate = (most - least) / (ended - began)
    # The lower bound leaves room for a busy machine.
    assert 0.5 * 50 <= rate <= 50 * 1.01
    assert max(b - a for a, b in itertools.pairwise(looks.at)) <= 2 * POLL_SECONDS
