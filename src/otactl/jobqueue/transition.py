"""The changes of a request. Pure: a request in, a request out.

The write decides whether a change is allowed: it names what must still hold of the item
(``guard_of``), and DynamoDB refuses it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from otactl.jobqueue.request import Failure, JobRequest, Lease, Outcome
from otactl.jobqueue.state import NEXT_STATES, RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.model.wave import GateStatus

#: In characters. An item may have 400 KB, but people read a reason.
_MAX_REASON_LENGTH = 4000
_CUT = " …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What must still hold of an item for a write to happen.

    Attributes:
        fence: How often it had been claimed.
        owner: The worker that had it; None without one.
        until_ms: The end of the lease that was seen; None when the writer is the owner itself and
            may have renewed it meanwhile.
    """

    fence: int
    owner: str | None
    until_ms: int | None = None


def guard_of(request: JobRequest) -> Guard:
    """The guard of a write by the request's worker, or to a request without a worker."""
    return Guard(fence=request.fence, owner=request.lease.owner if request.lease else None)


def guard_of_take_over(request: JobRequest) -> Guard:
    """The guard of a write by another process: the lease must not have been renewed."""
    guard = guard_of(request)
    return replace(guard, until_ms=request.lease.until_ms if request.lease else None)


def taken(request: JobRequest, *, owner: str, now_ms: int, lease_ms: int) -> JobRequest:
    """Claimed, or taken over from a worker whose lease is over.

    Only workers write items in Deploying; a checkpoint in a pending one comes from the user who
    added it, and is ignored.
    """
    pending = request.state is RequestState.PENDING
    return replace(
        _moved(request, RequestState.DEPLOYING),
        checkpoint=None if pending else request.checkpoint,
        waves=None if pending else request.waves,
        fence=request.fence + 1,
        attempt=request.attempt + 1,
        lease=Lease(owner=owner, until_ms=now_ms + lease_ms),
    )


def renewed(request: JobRequest, *, until_ms: int) -> JobRequest:
    """With a lease that lasts longer."""
    if request.lease is None:
        raise ValueError(f"no worker has {request.job_id}")
    return replace(request, lease=replace(request.lease, until_ms=until_ms))


def with_checkpoint(
    request: JobRequest, checkpoint: StoredFile, waves: StoredFile | None = None
) -> JobRequest:
    """With the files from which another worker can resume; ``waves`` is given once."""
    return replace(request, checkpoint=checkpoint, waves=waves or request.waves)


def released(request: JobRequest, *, at_ms: int, error: str, is_attempt: bool = True) -> JobRequest:
    """Free to be taken over from ``at_ms`` on, epoch milliseconds.

    It stays in Deploying, since parts of it may exist in AWS: until it is over, no other request
    for the same things is deployed. Not every claim of a worker counts as an attempt.
    """
    return replace(
        renewed(request, until_ms=at_ms),
        last_error=shortened(error),
        attempt=request.attempt if is_attempt else max(request.attempt - 1, 0),
    )


def left_at_gate(
    request: JobRequest, *, at_ms: int, gate: GateStatus | None, words: str
) -> JobRequest:
    """Left at a gate, or waiting for something else; polled again at ``at_ms``, epoch milliseconds.

    This is no error: failed attempts before it no longer count.
    """
    left = replace(renewed(request, until_ms=at_ms), last_error="", attempt=0)
    return replace(
        left,
        gate=shortened(words),
        gate_wave="" if gate is None else gate.name,
        gate_asks="" if gate is None else gate.question or "",
        gate_until_ms=None if gate is None else gate.until_ms,
    )


def deployed(request: JobRequest, outcome: Outcome, *, now_ms: int) -> JobRequest:
    """Deployed: every thing runs the image, or the gates of all waves passed."""
    return replace(
        _moved(request, RequestState.DEPLOYED),
        lease=None,
        outcome=outcome,
        ended_ms=now_ms,
        open_until_ms=None,
    )


def failed(
    request: JobRequest,
    failure: Failure,
    *,
    now_ms: int,
    outcome: Outcome | None = None,
) -> JobRequest:
    """Failed, with the reason."""
    return replace(
        _moved(request, RequestState.FAILED),
        lease=None,
        outcome=outcome,
        failure=replace(failure, reason=shortened(failure.reason)),
        ended_ms=now_ms,
        open_until_ms=None,
    )


def canceled(request: JobRequest, *, now_ms: int) -> JobRequest:
    """Cancelled before any worker claimed it."""
    return replace(_moved(request, RequestState.CANCELED), ended_ms=now_ms)


def retried(request: JobRequest) -> JobRequest:
    """Pending again, as a new run with its own job and deployment."""
    return replace(
        _moved(request, RequestState.PENDING),
        run=request.run + 1,
        attempt=0,
        lease=None,
        last_error="",
        checkpoint=None,
        waves=None,
        gate="",
        gate_wave="",
        gate_asks="",
        gate_until_ms=None,
        outcome=None,
        failure=None,
        ended_ms=None,
        open_until_ms=None,
        closed_ms=None,
    )


def shortened(reason: str) -> str:
    """A reason, cut if it is very long."""
    if len(reason) <= _MAX_REASON_LENGTH:
        return reason
    return reason[: _MAX_REASON_LENGTH - len(_CUT)] + _CUT


def _moved(request: JobRequest, state: RequestState) -> JobRequest:
    if state not in NEXT_STATES[request.state]:
        raise ValueError(f"{request.job_id} is {request.state}: it cannot become {state}")
    return replace(request, state=state)
