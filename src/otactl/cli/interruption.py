"""What a deployment does when its process is asked to stop, and what the user is told then.

SIGTERM and SIGHUP come from machines: a CI job that is cancelled, a terminal that closes. They
never delete a job. Ctrl-C comes from a person, who is asked if ``cleanUpCfg = True``.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import typer

from otactl.cli.clock import Stopped
from otactl.cli.terminal import note
from otactl.deploy.consent import Consent
from otactl.errors import Interrupted

if TYPE_CHECKING:
    from otactl.deploy.executor import Executor
    from otactl.deploy.plan import Plan
    from otactl.model.outcome import DeploymentResult

_KEEP, _DELETE = "keep", "delete"


def settle_interruption(executor: Executor, plan: Plan) -> None:
    """After Ctrl-C in a rollout: keep it, or delete it if the user says so."""
    stopped = executor.failure
    if not isinstance(stopped, Interrupted) or stopped.signal_number != signal.SIGINT:
        return
    if not (plan.clean_up and executor.goes_on and executor.has_job and has_terminal()):
        return
    if _wants_deletion(plan.job_id):
        executor.abandon(Consent.ANSWERED)


def has_terminal() -> bool:
    """Whether a question reaches a person, and an answer comes back."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def tell_how_to_go_on(result: DeploymentResult) -> None:
    """Say what becomes of a deployment that this process leaves before its end."""
    resume = f"`otactl resume {result.deployment_id}`"
    if result.is_rolling_out:
        stop = f"`otactl cancel {result.job_id}` stops it"
        note(f"The rollout goes on in AWS. {resume} watches it, {stop}")
    else:
        clean = f"`otactl clean {result.deployment_id}` deletes what was created"
        note(f"Nothing was rolled out yet. {resume} goes on, {clean}")


def _wants_deletion(job_id: str) -> bool:
    note(
        f"job {job_id} is under way, and cleanUpCfg = True. Keep it, and the rollout goes on;"
        " delete it, and devices in the middle of an update are no longer followed."
    )
    try:
        answer = typer.prompt(f"{_KEEP} or {_DELETE}?", default=_KEEP, err=True)
    except (typer.Abort, KeyboardInterrupt, Stopped, Interrupted, OSError):
        return False
    return str(answer).strip().lower() == _DELETE
