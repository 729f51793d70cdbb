"""Asks before something is changed; without a terminal, ``--yes`` is required."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from otactl.cli.signals import Stopped
from otactl.cli.terminal import note
from otactl.deploy.consent import Consent
from otactl.errors import Interrupted, UserMistake
from otactl.model.snapshot import JobDescription

_KEEP, _DELETE = "keep", "delete"


def has_terminal() -> bool:
    """Whether a person can read a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether the user confirms. Call it last, after every check that may refuse.

    Raises:
        UserMistake: Stdin is not a terminal, and ``--yes`` is not given.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UserMistake(
            f"stdin is not a terminal, and this needs a yes: {question}",
            hint="pass --yes to confirm",
        )
    return typer.confirm(question, err=True)


def declined(what: str) -> NoReturn:
    """End a command whose question was answered with no.

    Raises:
        Exit: With code 1.
    """
    note(f"nothing {what}")
    raise typer.Exit(1)


def consent_to_delete(job: JobDescription | None, *, yes: bool) -> Consent | None:
    """The consent to delete a deployment's job; None if the user declines.

    Args:
        job: The job if it has not ended, else None.

    Raises:
        UserMistake: The job has not ended, and there is no terminal and no ``--yes``.
    """
    if job is None:
        return Consent.ENDED
    if yes:
        return Consent.YES
    counts = job.counts
    progress = f"{counts.terminal:,} of {counts.total:,} executions ended"
    if job.in_progress:
        progress += f", {job.in_progress:,} in progress"
    what = f"job {job.job_id} has not ended ({job.status.value}: {progress})"
    if not has_terminal():
        raise UserMistake(f"{what}, and stdin is not a terminal", hint="pass --yes to delete it")
    note(f"{what}. If it is deleted, devices in the middle of an update are no longer followed.")
    try:
        question = "Type the job's id to delete it"
        typed = typer.prompt(question, default="", show_default=False, err=True)
    except typer.Abort:
        return None
    return Consent.ANSWERED if str(typed).strip() == job.job_id else None


def wants_deletion(job_id: str) -> bool:
    """Ask whether the job of an interrupted deployment is deleted; without a terminal it is not."""
    if not has_terminal():
        return False
    note(
        f"job {job_id} is running, and cleanUpCfg = True. If you keep it, the rollout continues;"
        " if you delete it, devices in the middle of an update are no longer followed."
    )
    try:
        answer = typer.prompt(f"{_KEEP} or {_DELETE}?", default=_KEEP, err=True)
    except (typer.Abort, KeyboardInterrupt, Stopped, Interrupted, OSError):
        return False
    return str(answer).strip().lower() == _DELETE
