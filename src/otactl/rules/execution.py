"""Which status of a job execution may follow which, and who may set it.

| rule | source |
|---|---|
| a thing reports IN_PROGRESS, SUCCEEDED, FAILED or REJECTED | Developer Guide, jobs-api; E1 |
| from QUEUED or IN_PROGRESS only, IN_PROGRESS any number of times | aws-facts E1 |
| back to QUEUED is refused; from a terminal status every report is refused | aws-facts E1 |
| the service sets CANCELED, TIMED_OUT and REMOVED | Developer Guide, iot-jobs-lifecycle; E |
| REMOVED when a thing leaves the target while QUEUED | aws-facts A8 |
| TIMED_OUT from IN_PROGRESS only: a QUEUED execution has no timer | aws-facts D |
| CANCELED from IN_PROGRESS only by force | aws-facts A4 |
"""

from __future__ import annotations

from otactl.model.status import ExecutionStatus

_QUEUED = ExecutionStatus.QUEUED
_IN_PROGRESS = ExecutionStatus.IN_PROGRESS
_NOWHERE: frozenset[ExecutionStatus] = frozenset()

#: The statuses a thing may report; any other is always refused.
REPORTABLE = frozenset(
    {
        ExecutionStatus.IN_PROGRESS,
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.FAILED,
        ExecutionStatus.REJECTED,
    }
)

#: The statuses in which an execution stays.
TERMINAL = frozenset(status for status in ExecutionStatus if status.is_terminal)

#: The statuses that a thing's report may set, by current status.
REPORTED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _QUEUED: REPORTABLE,
    _IN_PROGRESS: REPORTABLE,
    **dict.fromkeys(TERMINAL, _NOWHERE),
}

#: The statuses that the service may set without force, by current status.
DECIDED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _QUEUED: frozenset({ExecutionStatus.CANCELED, ExecutionStatus.REMOVED}),
    _IN_PROGRESS: frozenset({ExecutionStatus.TIMED_OUT}),
    **dict.fromkeys(TERMINAL, _NOWHERE),
}

#: The statuses that ``force`` adds.
FORCED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _IN_PROGRESS: frozenset({ExecutionStatus.CANCELED}),
}


def may_report(current: ExecutionStatus, reported: ExecutionStatus) -> bool:
    """Whether the service accepts this report of a thing."""
    return reported in REPORTED[current]


def may_decide(
    current: ExecutionStatus, decided: ExecutionStatus, *, by_force: bool = False
) -> bool:
    """Whether the service may set this status by itself, or a user by force."""
    return decided in DECIDED[current] or (by_force and decided in FORCED.get(current, _NOWHERE))


def may_follow(earlier: ExecutionStatus, later: ExecutionStatus) -> bool:
    """Whether an observer that saw ``earlier`` may see ``later`` next; it may miss steps between.

    Observers receive changes late, twice and out of order (aws-facts F4): a status that cannot
    follow is an old message.
    """
    if earlier in TERMINAL:
        return False
    return later is not _QUEUED
