"""``otactl queue fetch``: bring a request's files here, to look at or to deploy."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    EndpointUrlOption,
    OutputFormat,
    OutputOption,
    ProfileOption,
    RegionOption,
)
from otactl.cli.queue.options import DEFAULT_TABLE, TableOption
from otactl.errors import LocalResourceMissing, OtactlError, UserMistake
from otactl.jobqueue.lease_policy import MAX_LEASE_MS

if TYPE_CHECKING:
    from otactl.cli.queue.session import QueueSession
    from otactl.jobqueue.request import JobRequest


def fetch(
    request: Annotated[
        str | None,
        typer.Argument(
            metavar="[REQUEST]", help="Which one; the next to be deployed when left out."
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Where to. [default: a folder of its name]"),
    ] = None,
    claim: Annotated[
        bool,
        typer.Option(
            "--claim", help="Take the request; `otactl queue run --fetched DIR` deploys it."
        ),
    ] = False,
    lease: Annotated[
        float,
        typer.Option(
            "--lease",
            min=2,
            max=MAX_LEASE_MS // 1000,
            metavar="SECONDS",
            help="With --claim: how long it is held for you.",
        ),
    ] = 900.0,
    table: TableOption = DEFAULT_TABLE,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointUrlOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Download a request's dev.ini, thing list and image, verified by their digests.

    Without --claim nothing changes in the queue.
    """
    from otactl.cli.queue.report import request_fields
    from otactl.cli.queue.session import QueueSession

    session = QueueSession(table, profile, region, endpoint_url)
    if claim and request is not None:
        raise UserMistake("--claim takes the next request", hint="leave out REQUEST")
    found = _take(session, int(lease * 1000)) if claim else _look(session, request)
    folder = into or Path(found.job_id if found else ".")
    if found is not None and claim:
        _bring_or_let_go(found, session, folder)
    elif found is not None:
        _bring(found, session, folder)
    if claim:
        _leave_note(found, session, folder, int(lease * 1000))
    if output is OutputFormat.JSON:
        fields = None if found is None else request_fields(found)
        terminal.print_json({"request": fields, "folder": str(folder) if found else None})
    elif found is None:
        terminal.note("there is nothing to deploy in the queue")
    else:
        terminal.stdout_console().print(f"{found.job_id} is in {folder}", markup=False)


def _look(session: QueueSession, job_id: str | None) -> JobRequest | None:
    from otactl.jobqueue.overview import Overview
    from otactl.operations.clock import CommandClock

    if job_id is not None:
        return session.request(job_id)
    overview = Overview(session.table, session.targets, CommandClock())
    verdicts = overview.verdicts(session.table.active(), overview.pending())
    return next((verdict.request for verdict in verdicts if verdict.wait is None), None)


def _take(session: QueueSession, lease_ms: int) -> JobRequest | None:
    from otactl.cli.queue.worker import new_owner
    from otactl.jobqueue.lease_policy import LeasePolicy
    from otactl.jobqueue.taking import Taker
    from otactl.operations.clock import CommandClock

    taker = Taker(
        session.table,
        session.targets,
        CommandClock(),
        owner=new_owner(),
        policy=LeasePolicy(lease_ms=lease_ms),
        draw=random.random,
        warn=terminal.warn,
    )
    return taker.take()


def _bring_or_let_go(request: JobRequest, session: QueueSession, folder: Path) -> None:
    """Download a request that was claimed; when it cannot be, the queue gets to know why."""
    from otactl.cli.queue.recorder import Recorder
    from otactl.jobqueue.held import HeldRequest
    from otactl.jobqueue.lease_policy import LeasePolicy
    from otactl.operations.clock import CommandClock

    try:
        _bring(request, session, folder)
    except OtactlError as error:
        held = HeldRequest(session.table, request, CommandClock(), LeasePolicy())
        Recorder(held).end_by(error)
        raise


def _bring(request: JobRequest, session: QueueSession, folder: Path) -> None:
    """Download into a folder beside the others, then put the files in place, dev.ini the last."""
    from otactl.cli.queue.received import download_files, names_of
    from otactl.jobqueue.trust import Trust

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as name:
            download_files(request, session.store, Path(name), Trust())
            for file_name in reversed(names_of(request).values()):
                (Path(name) / file_name).replace(folder / file_name)
    except OSError as error:
        raise LocalResourceMissing(f"cannot write into {folder}: {error.strerror}") from error


def _leave_note(
    request: JobRequest | None, session: QueueSession, folder: Path, lease_ms: int
) -> None:
    from otactl.cli.queue.claim_note import ClaimNote, write_note

    note = ClaimNote(
        table=session.table_name,
        region=session.clients.region,
        profile=session.profile,
        endpoint_url=session.endpoint_url,
        is_over=True,
    )
    if request is not None and request.lease is not None:
        claimed = {
            "order_key": request.order_key,
            "job_id": request.job_id,
            "owner": request.lease.owner,
            "fence": request.fence,
            "lease_ms": lease_ms,
            "is_over": False,
        }
        note = note.model_copy(update=claimed)
    write_note(folder, note)
