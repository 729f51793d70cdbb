"""Deploys what ``queue fetch --claim`` brought here: the manual's ``jobs_scheduler.py``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.cli.options import OutputFormat
from otactl.cli.queue.carry_out import Carrier
from otactl.cli.queue.claim_note import NOTE_NAME, read_note, write_note
from otactl.cli.queue.ended import print_ended
from otactl.cli.queue.session import QueueSession
from otactl.cli.queue.worker import keep_report
from otactl.errors import UserMistake
from otactl.jobqueue.held import HeldRequest
from otactl.operations.clock import CommandClock

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.cli.queue.carry_out import WorkSettings
    from otactl.jobqueue.request import JobRequest


def run_fetched(
    folder: Path, settings: WorkSettings, report_dir: Path | None, output: OutputFormat
) -> None:
    """Deploy what is in a folder, if its note says that it is still to be deployed.

    Raises:
        UserMistake: Somebody else has the request by now, or its files were changed.
        OtactlError: How the deployment failed.
    """
    note = read_note(folder)
    if note.is_over:
        terminal.note(
            f"nothing is fetched in {folder}; delete {NOTE_NAME} to deploy its dev.ini all the same"
        )
        return
    session = QueueSession(note.table, note.profile, note.region, note.endpoint_url)
    policy = replace(settings.policy, lease_ms=note.lease_ms)
    request = _held_by(session, note.job_id, note.owner, note.fence)
    held = HeldRequest(session.table, request, CommandClock(), policy)
    ended = Carrier(session, replace(settings, policy=policy)).carry_out(held, fetched=folder)
    write_note(folder, note.model_copy(update={"is_over": True}))
    if report_dir is not None:
        keep_report(ended, report_dir)
    if output is OutputFormat.JSON:
        terminal.print_json({"requests": [ended.to_fields()]})
    else:
        print_ended(ended, with_error=False)
    if ended.error is not None:
        raise ended.error


def _held_by(session: QueueSession, job_id: str, owner: str, fence: int) -> JobRequest:
    """The request of a note, as it stands in the table.

    Raises:
        UserMistake: Somebody else has it by now.
    """
    request = session.request(job_id)
    if request.lease is None or (request.lease.owner, request.fence) != (owner, fence):
        raise UserMistake(
            f"{job_id} is no longer yours: it is {request.state}",
            hint="it was fetched too long ago; fetch the next one",
        )
    return request
