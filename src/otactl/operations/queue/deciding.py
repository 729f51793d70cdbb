"""What a person decides about a queued deployment in waves: approve, reject, pause, continue.

No process may be at work on it, so what its gates ask is read from the checkpoint, which a worker
keeps before it leaves; the decision goes into the table, and whichever worker polls next reads it.
"""

from __future__ import annotations

from otactl.errors import UserMistake
from otactl.jobqueue.state import RequestState
from otactl.model.wave import Act, Decision
from otactl.operations.deciding import asking_gate, new_decision
from otactl.operations.queue.checkpoint import read_checkpoint
from otactl.operations.queue.session import QueueSession


def decide_request(
    session: QueueSession,
    job_id: str,
    act: Act,
    *,
    now_ms: int,
    wave: str | None = None,
    comment: str = "",
) -> Decision:
    """Write down a decision, if it can be taken now; as ``operations.deciding.decide``.

    Raises:
        UserMistake: The request is not being deployed in waves, or no gate asks for that.
    """
    request = session.request(job_id)
    if request.state is not RequestState.DEPLOYING:
        is_pending = request.state is RequestState.PENDING
        raise UserMistake(
            f"{job_id} is {request.state}: there is nothing to {act}",
            hint=f"`otactl queue cancel {job_id}` takes it out" if is_pending else None,
        )
    if request.checkpoint is None:
        raise UserMistake(
            f"{job_id} was only just taken, and has no plan yet", hint="try again in a minute"
        )
    # The worker that has the request may have written it: nothing but its gates is used.
    checkpoint = read_checkpoint(request, session.store, before=request.fence + 1)
    if checkpoint is None or checkpoint.waves is None:
        raise UserMistake(f"{job_id} has no waves", hint=f"`otactl cancel {job_id}` stops its job")
    asking = None
    if act is Act.APPROVE:
        asking = asking_gate(checkpoint.open_gates, wave, comment)
    decision = new_decision(act, asking, clients=session.clients, now_ms=now_ms, comment=comment)
    session.decisions(request).append(decision)
    return decision
