"""Closes jobs that requests in waves left open for offline things, when ``openDays`` are over.

Any worker does it, for any request: a few requests a visit, a few calls each. It first makes the
entry due again in ten minutes, so that no other worker does the same now, a worker that died is
replaced, and a job whose things are still queued or in progress is polled again. Closing twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from otactl.deploy.wave_closing import close
from otactl.errors import AwsRefused, CredentialsUnusable
from otactl.jobqueue.order import job_id_of
from otactl.jobqueue.request import JobRequest, LeftOpen
from otactl.jobqueue.transition import guard_of
from otactl.jobqueue.trust import Trust
from otactl.operations.frontend import Frontend
from otactl.operations.queue.session import QueueSession

#: Requests per visit: the worker has requests to deploy.
_MAX_REQUESTS = 5
#: Between two polls of one entry, and between two visits of one worker.
CLOSING_PAUSE_MS = 600_000


def close_due(session: QueueSession, trust: Trust, frontend: Frontend) -> None:
    """Close entries that are due, up to the limit of a visit; warn the frontend of failures."""
    try:
        for left in islice(_allowed(session, trust), _MAX_REQUESTS):
            due_ms = session.now_ms() + CLOSING_PAUSE_MS
            if session.table.reschedule(left, due_ms):
                _close(session, replace(left, due_ms=due_ms), frontend)
    except (AwsRefused, CredentialsUnusable) as error:
        frontend.warn(f"jobs that finished requests left open could not be closed: {error}")


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
        # If it was retried since, it may have left other jobs open for longer.
        if isinstance(found, JobRequest) and (found.open_until_ms or now_ms + 1) <= now_ms:
            after = replace(found, closed_ms=now_ms)
            session.table.amend(found, after, guard_of(found))
    session.table.reschedule(left, None)
    frontend.note(f"{name}: openDays are over; its jobs are closed")
