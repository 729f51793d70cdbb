"""From what things would do to how their executions end: timeouts and retries applied.

The rules are ``rules.timeout`` and ``rules.retry``, asked once per kind of ending and applied to
whole arrays. An abort is not known here; ``forecast.run_result`` cuts these lives off where it
falls.

A retry is queued the moment the failure is known and does not wait for the rollout's pace; how
long the service really takes is UNCONFIRMED (aws-facts D). After the end of the job's schedule
nothing is tried again, and ``rules.schedule`` says what is cancelled then.
"""

from __future__ import annotations

import numpy as np

from otactl.forecast.attempts import (
    CANCELED,
    IN_PROGRESS,
    NEVER,
    QUEUED,
    STATUSES,
    TIMED_OUT,
    Attempts,
    Executions,
    Flags,
    FleetModel,
    Integers,
)
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import ExecutionStatus
from otactl.rules.retry import MAX_RETRIES_PER_THING, retries_left
from otactl.rules.schedule import canceled_at_end
from otactl.rules.timeout import deadline_ms


def executions(
    fleet: FleetModel, job: JobConfiguration, start: int, queued_ms: Integers, end_ms: int = NEVER
) -> Executions:
    """Every attempt of the things from ``start`` on, notified at these times.

    ``end_ms`` is the end of the job's schedule.
    """
    latest = _ended(fleet.first(start, queued_ms), job, number=1)
    parts = [latest]
    for number in range(1, MAX_RETRIES_PER_THING + 1):
        latest.retried = _is_retried(job, number)[latest.status] & (latest.ended_ms < end_ms)
        if not latest.retried.any():
            break
        chosen = np.flatnonzero(latest.retried)
        attempts = fleet.again(
            latest.attempts.only(chosen), latest.status[chosen], latest.ended_ms[chosen]
        )
        latest.retry_starts_ms[chosen] = attempts.started_ms
        latest = _ended(attempts, job, number=number + 1)
        parts.append(latest)
    found = parts[0] if len(parts) == 1 else Executions.concatenated(parts)
    if end_ms < NEVER:
        _cancel_at(end_ms, canceled_at_end(job.scheduling), found)
    return found


def _cancel_at(end_ms: int, statuses: tuple[ExecutionStatus, ...], found: Executions) -> None:
    """Cancel what has one of these statuses at the end of the schedule."""
    is_queued = found.attempts.started_ms >= end_ms
    canceled = np.zeros(len(found), dtype=np.bool_)
    if ExecutionStatus.QUEUED in statuses:
        canceled |= is_queued
        found.retry_starts_ms[found.retry_starts_ms >= end_ms] = NEVER
    if ExecutionStatus.IN_PROGRESS in statuses:
        canceled |= ~is_queued & (found.ended_ms > end_ms)
    found.status[canceled] = CANCELED
    found.ended_ms[canceled] = end_ms
    found.retried[canceled] = False
    found.attempts.started_ms[canceled & is_queued] = NEVER


def _is_retried(job: JobConfiguration, number: int) -> Flags:
    """Whether the n-th attempt is followed by another, by the code of how it ended."""
    return np.array([retries_left(job.retry_criteria, status, number) > 0 for status in STATUSES])


def _ended(attempts: Attempts, job: JobConfiguration, *, number: int) -> Executions:
    timeout = deadline_ms(0, job.in_progress_timeout_minutes)
    started, working = attempts.started_ms, attempts.reports_after_ms
    status = attempts.reported.copy()
    if timeout is None:
        ended = started + working
        status[working >= NEVER] = IN_PROGRESS
    else:
        ended = started + np.minimum(working, timeout)
        status[working > timeout] = TIMED_OUT
    status[started >= NEVER] = QUEUED
    return Executions(
        attempts=attempts,
        attempt=np.full(len(attempts), number, dtype=np.int8),
        ended_ms=np.minimum(ended, NEVER),
        status=status,
        retried=np.zeros(len(attempts), dtype=np.bool_),
        retry_starts_ms=np.full(len(attempts), NEVER),
    )
