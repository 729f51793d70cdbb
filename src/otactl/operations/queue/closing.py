"""Closes what requests in waves left open for things that were offline, once ``openDays`` are over.

Any worker does it, whichever deployed the request: a few requests a visit, a few calls each. Before
it begins it lets the entry be due again ten minutes later, so that no other worker does the same,
one that died is made up for, and a job whose things are still queued or in progress is looked at
again. What is done twice all the same changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from otactl.deploy.wave_closing import close
from otactl.errors import AwsRefused, AwsUnreachable, CredentialsUnusable
from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import JobRequest, LeftOpen
from otactl.jobqueue.transition import guard_of
from otactl.jobqueue.trust import Trust
from otactl.operations.frontend import Frontend
from otactl.operations.queue.session import QueueSession

#: Requests a visit: others wait for the worker.
_MOST = 5
#: From one look at what is closed to the next, and from one worker's look for what is due.
CLOSING_PAUSE_MS = 600_000


def close_due(session: QueueSession, trust: Trust, frontend: Frontend) -> None:
    """Close what is due, as far as one visit goes; the frontend is warned of what fails."""
    try:
        for left in islice(_allowed(session, trust), _MOST):
            due_ms = session.now_ms() + CLOSING_PAUSE_MS
            if session.table.reschedule(left, due_ms):
                _close(session, replace(left, due_ms=due_ms), frontend)
    except (AwsRefused, AwsUnreachable, CredentialsUnusable) as error:
        frontend.warn(f"what finished requests left open could not be closed: {error}")


def _allowed(session: QueueSession, trust: Trust) -> Iterator[LeftOpen]:
    for left in session.table.due(session.now_ms()):
        if not trust.regions or left.jobs.region in trust.regions:
            yield left


def _close(session: QueueSession, left: LeftOpen, frontend: Frontend) -> None:
    pending = close(left.jobs, *session.jobs_and_groups(left.jobs.region))
    name = job_id_of(left.order_key)
    if pending:
        frontend.note(f"{name}: openDays are over; still queued or in progress: {pending:,}")
        return
    now_ms = session.now_ms()
    for found in session.table.find([left.order_key]):
        # One that was retried since may have left other jobs open, for longer.
        if isinstance(found, JobRequest) and (found.open_until_ms or now_ms + 1) <= now_ms:
            after = replace(found, closed_ms=now_ms)
            session.table.amend(found, after, guard_of(found))
    session.table.reschedule(left, None)
    frontend.note(f"{name}: openDays are over; its jobs are closed")
