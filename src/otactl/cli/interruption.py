"""Questions and messages when a deployment is interrupted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from otactl.cli.signals import Stopped
from otactl.cli.terminal import note
from otactl.errors import Interrupted

if TYPE_CHECKING:
    from otactl.model.outcome import DeploymentResult

_KEEP, _DELETE = "keep", "delete"


def has_terminal() -> bool:
    """Whether a question reaches a person, and an answer comes back."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def print_next_steps(result: DeploymentResult) -> None:
    """Say what becomes of a deployment that this process leaves before its end."""
    resume = f"`otactl resume {result.deployment_id}`"
    if result.waves and result.is_rolling_out:
        stop = f"`otactl reject {result.deployment_id}` and then resuming stops every wave"
        note(f"What has begun goes on in AWS. {resume} goes on with the next wave, {stop}")
        return
    if result.is_rolling_out:
        stop = f"`otactl cancel {result.job_id}` stops it"
        note(f"The rollout goes on in AWS. {resume} watches it, {stop}")
    else:
        clean = f"`otactl clean {result.deployment_id}` deletes what was created"
        note(f"Nothing was rolled out yet. {resume} goes on, {clean}")


def wants_deletion(job_id: str) -> bool:
    """Ask whether the job of an interrupted deployment is deleted; without a terminal it is not."""
    if not has_terminal():
        return False
    note(
        f"job {job_id} is under way, and cleanUpCfg = True. Keep it, and the rollout goes on;"
        " delete it, and devices in the middle of an update are no longer followed."
    )
    try:
        answer = typer.prompt(f"{_KEEP} or {_DELETE}?", default=_KEEP, err=True)
    except (typer.Abort, KeyboardInterrupt, Stopped, Interrupted, OSError):
        return False
    return str(answer).strip().lower() == _DELETE
