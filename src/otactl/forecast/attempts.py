"""Job executions as arrays, one element per attempt of a thing, and how they end.

Timeouts and retries turn what things would do into ends: ``rules.timeout`` and ``rules.retry`` are
called once per kind of end and applied to whole arrays. Aborts are applied later, in
``forecast.run_result``. A retry is queued when the failure is known and does not wait for the
rollout's rate; how long the service really takes is UNCONFIRMED (aws-facts D). After the end of the
job's schedule nothing is retried, and ``rules.schedule`` says what is cancelled then.

All times are whole milliseconds since the job was created. ``NEVER`` is the time of what does not
happen: later than every horizon, and small enough that the sum of two does not overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import ExecutionStatus
from otactl.rules.retry import MAX_RETRIES_PER_THING, retries_left
from otactl.rules.schedule import canceled_at_end
from otactl.rules.timeout import deadline_ms

Integers = NDArray[np.int64]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]

NEVER = 1 << 60

#: The statuses by their code in an array; the five terminal ones come first.
STATUSES = (
    ExecutionStatus.SUCCEEDED,
    ExecutionStatus.FAILED,
    ExecutionStatus.REJECTED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.CANCELED,
    ExecutionStatus.IN_PROGRESS,
    ExecutionStatus.QUEUED,
)
CODES = {status: code for code, status in enumerate(STATUSES)}
SUCCEEDED, FAILED, REJECTED, TIMED_OUT, CANCELED, IN_PROGRESS, QUEUED = range(len(STATUSES))
#: The number of codes that count as executed for an abort criterion; they come first.
EXECUTED_CODES = 4


@dataclass(slots=True)
class Columns:
    """Fields that are arrays of one length, or columns themselves."""

    def only(self, chosen: Flags | Integers | slice) -> Self:
        """The rows chosen by a mask, by indexes or by a range."""
        found: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        for name, column in found.items():
            is_array = isinstance(column, np.ndarray)
            found[name] = column[chosen] if is_array else column.only(chosen)
        return type(self)(**found)

    @classmethod
    def concatenated(cls, parts: Sequence[Self]) -> Self:
        """The rows of all parts, in this order."""
        found: dict[str, Any] = {}
        for item in fields(cls):
            columns = [getattr(part, item.name) for part in parts]
            is_array = isinstance(columns[0], np.ndarray)
            join = np.concatenate if is_array else columns[0].concatenated
            found[item.name] = join(columns)
        return cls(**found)


@dataclass(slots=True)
class Attempts(Columns):
    """What things would do with one execution each if nothing stopped them.

    Attributes:
        thing: Index of the thing in the order of notification, from 0.
        group: Index of its group in the profile.
        queued_ms: When its execution was created.
        started_ms: When it would become IN_PROGRESS; NEVER for a thing that is gone.
        reports_after_ms: From the start to its last report; NEVER for a thing gone silent.
        reported: Code of the status it would report.
        download_ms: Duration of the download, from the start; 0 without a download.
        breaks_after_ms: From the start until it is bricked; NEVER if it is not.
        gone: Whether it never takes part again, not even in a retry.
        unproven: Whether after SUCCEEDED it never shows the new version: it comes back with the
            old one, or not at all.
    """

    thing: Integers
    group: Codes
    queued_ms: Integers
    started_ms: Integers
    reports_after_ms: Integers
    reported: Codes
    download_ms: Integers
    breaks_after_ms: Integers
    gone: Flags
    unproven: Flags

    def __len__(self) -> int:
        return len(self.thing)


class FleetModel(Protocol):
    """Things that take part in a job: drawn from a profile, or listed one by one."""

    @property
    def things(self) -> int:
        """The size of the fleet."""

    def first(self, start: int, queued_ms: Integers) -> Attempts:
        """The first attempts of the things from ``start`` on, as many as times are given."""

    def again(self, earlier: Attempts, ended: Codes, queued_ms: Integers) -> Attempts:
        """The next attempt of each of these things.

        Args:
            earlier: The attempts that failed.
            ended: How each ended, as codes.
            queued_ms: When each is queued again.
        """


@dataclass(slots=True)
class Executions(Columns):
    """Attempts with their ends, without an abort.

    Attributes:
        attempt: 1 for the first attempt of a thing.
        ended_ms: When the execution ended; NEVER if it does not end.
        status: Code of the status it ended with; IN_PROGRESS or QUEUED if it does not end.
        retried: Whether another attempt follows.
        retry_starts_ms: When that one starts; NEVER if none follows or it never starts.
    """

    attempts: Attempts
    attempt: Codes
    ended_ms: Integers
    status: Codes
    retried: Flags
    retry_starts_ms: Integers

    def __len__(self) -> int:
        return len(self.status)


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
    """Whether the n-th attempt is followed by another, by the code of its end."""
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
