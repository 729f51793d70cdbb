"""When a job ends, and what may become of its executions.

| rule | source |
|---|---|
| a SNAPSHOT job is COMPLETED when every thing was notified and every execution has ended | |
| | Developer Guide, iot-jobs-lifecycle; aws-facts A3 |
| a CONTINUOUS job without a schedule never completes | aws-facts A3 |
| COMPLETED says nothing about success: there is no failed job | aws-facts A3 |
| cancelling, by a user or by an abort criterion, cancels what is QUEUED and leaves what is | |
| IN_PROGRESS running; force cancels that too | aws-facts A4, C |
| an execution goes back to QUEUED never, and out of a terminal status nowhere | aws-facts E1 |
"""

from __future__ import annotations

from collections.abc import Mapping

from otactl.model.status import ExecutionStatus, TargetSelection


def is_complete(
    selection: TargetSelection, *, waiting: int, counts: Mapping[ExecutionStatus, int]
) -> bool:
    """Whether nothing is left to do; things that wait for a retry are not notified yet."""
    if selection is TargetSelection.CONTINUOUS or waiting > 0:
        return False
    return not any(count for status, count in counts.items() if not status.is_terminal)


def canceled_with_job(status: ExecutionStatus, *, by_force: bool) -> bool:
    """Whether cancelling the job cancels an execution in this status."""
    return status is ExecutionStatus.QUEUED or (by_force and status is ExecutionStatus.IN_PROGRESS)


def may_follow(earlier: ExecutionStatus, later: ExecutionStatus) -> bool:
    """Whether an observer that saw ``earlier`` may see ``later`` next, steps between unseen.

    Observers learn of changes late, doubled and out of order (aws-facts F4): a status that cannot
    follow is an old message, not news.
    """
    return not earlier.is_terminal and later is not ExecutionStatus.QUEUED
