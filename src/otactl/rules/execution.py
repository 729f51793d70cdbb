"""Which way a job execution may go, and who may send it there.

| rule | source |
|---|---|
| a thing reports IN_PROGRESS, SUCCEEDED, FAILED or REJECTED | Developer Guide, jobs-api; E1 |
| from QUEUED or IN_PROGRESS only, IN_PROGRESS as often as it likes | aws-facts E1 |
| back to QUEUED is refused, out of a terminal status everything is | aws-facts E1 |
| the service sets CANCELED, TIMED_OUT and REMOVED | Developer Guide, iot-jobs-lifecycle; E |
| REMOVED when a thing leaves the target while QUEUED | aws-facts A8 |
| TIMED_OUT from IN_PROGRESS only: nothing times a QUEUED execution | aws-facts D |
| CANCELED from IN_PROGRESS only by force | aws-facts A4 |
"""

from __future__ import annotations

from otactl.model.status import ExecutionStatus

_QUEUED = ExecutionStatus.QUEUED
_IN_PROGRESS = ExecutionStatus.IN_PROGRESS
_NOWHERE: frozenset[ExecutionStatus] = frozenset()

#: The statuses a thing may report at all; any other is refused whatever the execution's own.
REPORTABLE = frozenset(
    {
        ExecutionStatus.IN_PROGRESS,
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.FAILED,
        ExecutionStatus.REJECTED,
    }
)

#: The statuses an execution never leaves.
TERMINAL = frozenset(status for status in ExecutionStatus if status.is_terminal)

#: Where a thing's own report may take an execution.
REPORTED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _QUEUED: REPORTABLE,
    _IN_PROGRESS: REPORTABLE,
    **dict.fromkeys(TERMINAL, _NOWHERE),
}

#: Where the service may take an execution without force.
DECIDED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _QUEUED: frozenset({ExecutionStatus.CANCELED, ExecutionStatus.REMOVED}),
    _IN_PROGRESS: frozenset({ExecutionStatus.TIMED_OUT}),
    **dict.fromkeys(TERMINAL, _NOWHERE),
}

#: What ``force`` adds to that.
FORCED: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _IN_PROGRESS: frozenset({ExecutionStatus.CANCELED}),
}


def may_report(current: ExecutionStatus, reported: ExecutionStatus) -> bool:
    """Whether the service takes this report of a thing."""
    return reported in REPORTED[current]


def may_decide(
    current: ExecutionStatus, decided: ExecutionStatus, *, by_force: bool = False
) -> bool:
    """Whether the service may set this status by itself, or a user by force."""
    return decided in DECIDED[current] or (by_force and decided in FORCED.get(current, _NOWHERE))


def may_follow(earlier: ExecutionStatus, later: ExecutionStatus) -> bool:
    """Whether an observer that saw ``earlier`` may see ``later`` next, steps between unseen.

    Observers learn of changes late, doubled and out of order (aws-facts F4): a status that cannot
    follow is an old message, not news.
    """
    if earlier in TERMINAL:
        return False
    return later is not _QUEUED
