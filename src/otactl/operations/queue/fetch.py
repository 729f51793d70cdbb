"""Fetches requests into a folder, for inspection, or to claim now and deploy later.

The manual's ``fetch_job_schedule.py`` claims a request and ends; ``jobs_scheduler.py`` deploys it
later, in another process. In between, a file beside the ``dev.ini`` holds the claim.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from otactl.errors import LocalResourceMissing, OtactlError, UserMistake
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.overview import Overview
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.trust import Trust
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.queue.attempt import WorkerParts, WorkerSettings, deploy_claimed
from otactl.operations.queue.closing import close_due
from otactl.operations.queue.recorder import AttemptResult, Recorder
from otactl.operations.queue.request_files import download_files, names_of
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.worker import new_claimer
from otactl.operations.text_file import read_text, write_atomically

CLAIM_NAME = ".otactl-request.json"
_MAX_LENGTH = 64 * 1024


def fetch_request(
    session: QueueSession, job_id: str | None, into: Path | None
) -> tuple[JobRequest | None, Path]:
    """Download a request's files, or those of the next to deploy; the queue does not change.

    Returns:
        The request, or None if no request may be deployed, and the folder.
    """
    if job_id is not None:
        request: JobRequest | None = session.request(job_id)
    else:
        overview = Overview(session.table, session.targets, CommandClock(own_ms=session.now_ms))
        verdicts = overview.verdicts(session.table.active(), overview.pending())
        request = next((verdict.request for verdict in verdicts if verdict.wait is None), None)
    folder = into or Path(request.job_id if request else ".")
    if request is not None:
        _download(request, session, folder)
    return request, folder


def fetch_claimed(
    session: QueueSession, into: Path | None, frontend: Frontend, *, lease_ms: int
) -> tuple[JobRequest | None, Path]:
    """Claim the next request, download its files and write a claim file.

    If that fails, the queue records why.
    """
    policy, clock = LeasePolicy(lease_ms=lease_ms), CommandClock(own_ms=session.now_ms)
    request = new_claimer(session, clock, policy, frontend).claim()
    folder = into or Path(request.job_id if request else ".")
    try:
        if request is not None:
            _download(request, session, folder)
        write_claim(folder, ClaimFile.of(request, session, lease_ms))
    except OtactlError as error:
        if request is not None:
            claimed = ClaimedRequest(session.table, request, clock, LeasePolicy())
            Recorder(claimed, frontend).end_by(error)
        raise
    return request, folder


def deploy_fetched(
    folder: Path,
    settings: WorkerSettings,
    frontend: Frontend,
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
) -> AttemptResult | None:
    """Deploy the request in a folder, unless its claim file says that it is finished.

    A profile or endpoint in place of those that it was fetched with may be given.

    Returns:
        The result of the attempt; None if there is nothing to deploy.

    Raises:
        UserMistake: Another worker has the request now, or its files were changed.
    """
    claim = read_claim(folder)
    if claim.is_over:
        return None
    session = QueueSession(
        claim.table,
        profile or claim.profile,
        claim.region,
        endpoint_url or claim.endpoint_url,
    )
    policy = replace(settings.policy, lease_ms=claim.lease_ms)
    request = _claimed_by(session, claim)
    claimed = ClaimedRequest(session.table, request, CommandClock(own_ms=session.now_ms), policy)
    parts = WorkerParts(session, replace(settings, policy=policy), frontend)
    result = deploy_claimed(claimed, parts, fetched=folder)
    try:
        write_claim(folder, claim.model_copy(update={"is_over": True}))
    except LocalResourceMissing as error:
        # The queue has the result, and refuses the claim from now on.
        frontend.warn(str(error))
    close_due(session, settings.trust, frontend)
    return result


def _download(request: JobRequest, session: QueueSession, folder: Path) -> None:
    """Download into a temporary folder, then move the files into place, dev.ini last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as name:
            download_files(request, session.store, Path(name), Trust())
            for file_name in reversed(names_of(request).values()):
                (Path(name) / file_name).replace(folder / file_name)
    except OSError as error:
        raise LocalResourceMissing(f"cannot write into {folder}: {error.strerror}") from error


def _claimed_by(session: QueueSession, claim: ClaimFile) -> JobRequest:
    """The request of a claim file, as it is in the table.

    Raises:
        UserMistake: Another worker has it now.
    """
    request = session.request(claim.job_id)
    owner = None if request.lease is None else request.lease.owner
    if (owner, request.fence) != (claim.owner, claim.fence):
        raise UserMistake(
            f"{claim.job_id} is no longer yours: it is {request.state}",
            hint="it was fetched too long ago; fetch the next one",
        )
    return request


class ClaimFile(BaseModel, frozen=True, extra="forbid"):
    """A claim as it is written to a file.

    Attributes:
        order_key: The request's; empty if there was no request to fetch.
        is_over: Whether nothing is left to do.
    """

    table: str
    region: str | None
    profile: str | None
    endpoint_url: str | None
    order_key: str = ""
    job_id: str = ""
    owner: str = ""
    fence: int = 0
    lease_ms: int = 0
    is_over: bool = False

    @classmethod
    def of(cls, request: JobRequest | None, session: QueueSession, lease_ms: int) -> Self:
        """The claim of a request that was just claimed; None if there was none."""
        held: dict[str, Any] = {"is_over": True}
        if request is not None and request.lease is not None:
            held = {
                "order_key": request.order_key,
                "job_id": request.job_id,
                "owner": request.lease.owner,
                "fence": request.fence,
                "lease_ms": lease_ms,
            }
        return cls(
            table=session.table_name,
            region=session.clients.region,
            profile=session.profile,
            endpoint_url=session.endpoint_url,
            **held,
        )


def write_claim(folder: Path, claim: ClaimFile) -> None:
    """Write the claim into a folder, replacing an earlier one."""
    write_atomically(folder / CLAIM_NAME, claim.model_dump_json(indent=2) + "\n")


def read_claim(folder: Path) -> ClaimFile:
    """The claim in a folder.

    Raises:
        UserMistake: It is missing or damaged.
    """
    path = folder / CLAIM_NAME
    try:
        return ClaimFile.model_validate_json(read_text(path, limit=_MAX_LENGTH))
    except LocalResourceMissing as error:
        raise UserMistake(
            f"{folder} holds no fetched request: {path}: {error}",
            hint="`otactl queue fetch --claim` fetches one",
        ) from error
    except ValidationError as error:
        raise UserMistake(f"{path} is damaged: {error}") from error
