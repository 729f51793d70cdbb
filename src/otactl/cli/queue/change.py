"""``otactl queue cancel`` and ``otactl queue retry``: what a person may change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    OutputFormat,
    OutputOption,
)
from otactl.cli.queue.options import (
    DEFAULT_QUEUE,
    QueueLocation,
    RequestArgument,
    queued,
)
from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState

if TYPE_CHECKING:
    from otactl.operations.queue.session import QueueSession


@queued
def cancel(
    request: RequestArgument,
    series: Annotated[
        bool, typer.Option("--series", help="And what is still pending of its series.")
    ] = False,
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Take a pending request out of the queue. `otactl queue retry` puts it in again.

    One that is being deployed is not pending any more: `otactl cancel REQUEST` stops its job.
    """
    from otactl.jobqueue.transition import canceled, guard_of

    session = queue.session()
    found = session.request(request)
    wanted = _pending_of_series(session, found) if series else [found]
    done: list[str] = []
    for each in wanted:
        if each.state is not RequestState.PENDING:
            raise _not_pending(each)
        after = canceled(each, now_ms=time.time_ns() // 1_000_000)
        if session.table.move(each, after, guard_of(each)):
            done.append(each.job_id)
        elif not series:
            raise UserMistake(f"a worker has just taken {each.job_id}", hint=_hint(each))
    _report(done, "cancelled", output)


@queued
def retry(
    request: RequestArgument,
    queue: QueueLocation = DEFAULT_QUEUE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Put a failed or cancelled request into the queue again.

    It is deployed as a job of its own, REQUEST-r2 the first time; requests that come after it go
    on when it has succeeded.
    """
    from otactl.jobqueue.transition import guard_of, retried

    session = queue.session()
    found = session.request(request)
    if found.state not in (RequestState.FAILED, RequestState.CANCELED):
        raise UserMistake(
            f"{request} is {found.state}: only what failed or was cancelled is retried"
        )
    if not session.table.move(found, retried(found), guard_of(found)):
        raise UserMistake(f"{request} has changed just now", hint="look at it again")
    _report([request], "pending again", output)


def _pending_of_series(session: QueueSession, request: JobRequest) -> list[JobRequest]:
    if request.series is None:
        raise UserMistake(f"{request.job_id} is not part of a series")
    return [
        each
        for each in session.table.listed(RequestState.PENDING)
        if isinstance(each, JobRequest)
        and each.series is not None
        and each.series.name == request.series.name
    ]


def _not_pending(request: JobRequest) -> UserMistake:
    return UserMistake(f"{request.job_id} is {request.state}, not pending", hint=_hint(request))


def _hint(request: JobRequest) -> str | None:
    if request.state.is_over:
        return None
    return (
        f"`otactl cancel {request.aws_job_id}`, in the deployment's region, stops its job in AWS;"
        " its worker then records that it failed"
    )


def _report(job_ids: list[str], what: str, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        terminal.print_json({"requests": job_ids})
        return
    for job_id in job_ids:
        terminal.stdout_console().print(f"{job_id} is {what}", markup=False)
    if not job_ids:
        terminal.note(f"nothing was {what}")
