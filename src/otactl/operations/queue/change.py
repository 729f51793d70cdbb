"""What a person may change in the queue: cancel a pending request, retry one that is over."""

from __future__ import annotations

import time

from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.transition import canceled, guard_of, retried
from otactl.operations.queue.session import QueueSession


def cancel_request(session: QueueSession, job_id: str, *, series: bool) -> list[str]:
    """Cancel a pending request, or what is still pending of its series.

    Returns:
        The ids of the requests that were cancelled.

    Raises:
        UserMistake: It is not pending, or not part of a series.
    """
    found = session.request(job_id)
    done: list[str] = []
    for each in _pending_of_series(session, found) if series else [found]:
        if each.state is not RequestState.PENDING:
            raise UserMistake(f"{each.job_id} is {each.state}, not pending", hint=_hint(each))
        after = canceled(each, now_ms=time.time_ns() // 1_000_000)
        if session.table.move(each, after, guard_of(each)):
            done.append(each.job_id)
        elif not series:
            raise UserMistake(f"a worker has just taken {each.job_id}", hint=_hint(each))
    return done


def retry_request(session: QueueSession, job_id: str) -> None:
    """Put a failed or cancelled request into the queue again.

    Raises:
        UserMistake: It is neither, or has just changed.
    """
    found = session.request(job_id)
    if found.state not in (RequestState.FAILED, RequestState.CANCELED):
        raise UserMistake(
            f"{job_id} is {found.state}: only what failed or was cancelled is retried"
        )
    if not session.table.move(found, retried(found), guard_of(found)):
        raise UserMistake(f"{job_id} has changed just now", hint="look at it again")


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


def _hint(request: JobRequest) -> str | None:
    if request.state.is_over:
        return None
    return (
        f"`otactl cancel {request.aws_job_id}`, in the deployment's region, stops its job in AWS;"
        " its worker then records that it failed"
    )
