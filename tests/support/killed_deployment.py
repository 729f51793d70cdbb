"""A deployment whose process really dies, by SIGKILL, at one instant of one step."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.deploy.executor import Executor
from otactl.deploy.observer import Moment, Observer
from otactl.deploy.planner import PlanOptions
from otactl.operations.clock import CommandClock
from otactl.operations.deployment import begin, make_plan
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import load_deployment

if TYPE_CHECKING:
    from otactl.cloud import RunningCloud

DOING = (Moment.BEFORE_BEGIN, Moment.BEGUN, Moment.AFTER_DO, Moment.DONE)
UNDOING = (Moment.UNDOING, Moment.AFTER_UNDO, Moment.UNDONE)


def local_environment(cloud: RunningCloud, state_dir: Path) -> DeploymentEnvironment:
    """What a deployment against the local cloud runs in."""
    return DeploymentEnvironment(
        clients=AwsClients(AwsSettings.for_local_cloud(cloud.address)),
        clock=CommandClock(),
        state_dir=state_dir,
        poll_seconds=0.2,
    )


class Killer(Observer):
    """Kills its own process, without warning, at one instant."""

    def __init__(self, key: str, moment: Moment) -> None:
        self._key, self._moment = key, moment

    def on_step(self, moment) -> None:
        if (moment.step.key, moment.moment) == (self._key, self._moment):
            os.kill(os.getpid(), signal.SIGKILL)


def run_until_killed(dev_ini: Path, environment: DeploymentEnvironment, killer: Killer) -> str:
    """Carry the deployment out in a child that kills itself. Returns the deployment's id."""
    loaded = load_deployment(dev_ini)
    plan = make_plan(loaded, environment, PlanOptions(detail_limit=10))
    child = os.fork()
    if child == 0:  # pragma: no cover - ends by SIGKILL
        try:
            journal = begin(loaded, plan, environment)
            Executor(journal, environment.services(), killer, dict).run()
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the instant never came (exit {os.WEXITSTATUS(status)})"
    assert os.WTERMSIG(status) == signal.SIGKILL
    return plan.deployment_id
