"""What a person may do with a queued request: cancel it, retry it, decide at its gates.

Possibly no process works on it now, so its gates are read from the checkpoint that the last worker
wrote. The decision is written into the table and read by the worker that polls next.
"""

from __future__ import annotations

from otactl.aws.machine_time import wall_ms
from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.transition import canceled, guard_of, retried
from otactl.model.wave import Act, Decision
from otactl.operations.deciding import asking_gate, new_decision
from otactl.operations.queue.checkpoint import read_checkpoint
from otactl.operations.queue.session import QueueSession


def cancel_request(session: QueueSession, job_id: str, *, series: bool) -> list[str]:
    """Cancel a pending request, or all pending requests of its series.

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
        after = canceled(each, now_ms=wall_ms())
        if session.table.move(each, after, guard_of(each)):
            done.append(each.job_id)
        elif not series:
            raise UserMistake(f"a worker has just claimed {each.job_id}", hint=_hint(each))
    return done


def retry_request(session: QueueSession, job_id: str) -> None:
    """Put a failed or cancelled request into the queue again.

    Raises:
        UserMistake: It is neither, or has just changed.
    """
    found = session.request(job_id)
    if found.state not in (RequestState.FAILED, RequestState.CANCELED):
        raise UserMistake(
            f"{job_id} is {found.state}: only a failed or cancelled request is retried"
        )
    if not session.table.move(found, retried(found), guard_of(found)):
        raise UserMistake(f"{job_id} has changed just now", hint="check its state and try again")


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


def decide_request(
    session: QueueSession,
    job_id: str,
    act: Act,
    *,
    now_ms: int,
    wave: str | None = None,
    comment: str = "",
) -> Decision:
    """Record a decision, if it is possible now; as ``operations.deciding.decide``.

    Raises:
        UserMistake: The request is not being deployed in waves, or no gate waits for approval.
    """
    request = session.request(job_id)
    if request.state is not RequestState.DEPLOYING:
        is_pending = request.state is RequestState.PENDING
        raise UserMistake(
            f"{job_id} is {request.state}: there is nothing to {act}",
            hint=f"`otactl queue cancel {job_id}` cancels it" if is_pending else None,
        )
    if request.checkpoint is None:
        raise UserMistake(
            f"{job_id} was claimed just now and has no plan yet", hint="try again in a minute"
        )
    # The request's present worker may have written it, so only its gates are used.
    checkpoint = read_checkpoint(request, session.store, before=request.fence + 1)
    if checkpoint is None or checkpoint.waves is None:
        raise UserMistake(
            f"{job_id} has no waves", hint=f"`otactl cancel {request.aws_job_id}` stops its job"
        )
    asking = None
    if act is Act.APPROVE:
        asking = asking_gate(checkpoint.open_gates, wave, comment)
    decision = new_decision(act, asking, clients=session.clients, now_ms=now_ms, comment=comment)
    session.decisions(request).append(decision)
    return decision
