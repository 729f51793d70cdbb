"""When a job ends.

| rule | source |
|---|---|
| a SNAPSHOT job is COMPLETED when every thing was notified and every execution has ended | |
| | Developer Guide, iot-jobs-lifecycle; aws-facts A3 |
| a CONTINUOUS job without a schedule never completes | aws-facts A3 |
| COMPLETED says nothing about success: there is no failed job | aws-facts A3 |
| cancelling, by a user or by an abort criterion, cancels what is QUEUED and leaves what is | |
| IN_PROGRESS running; force cancels that too | aws-facts A4, C |
"""

from __future__ import annotations

from collections.abc import Mapping

from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection

#: The statuses that may follow each job status; deletion is left out.
NEXT: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.SCHEDULED: frozenset({JobStatus.IN_PROGRESS, JobStatus.CANCELED}),
    JobStatus.IN_PROGRESS: frozenset(
        {JobStatus.SCHEDULED, JobStatus.COMPLETED, JobStatus.CANCELED}
    ),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.CANCELED: frozenset(),
    JobStatus.DELETION_IN_PROGRESS: frozenset(),
}


def is_complete(
    selection: TargetSelection, *, waiting: int, counts: Mapping[ExecutionStatus, int]
) -> bool:
    """Whether nothing is left to do; things that wait for a retry count as ``waiting``."""
    if selection is TargetSelection.CONTINUOUS or waiting > 0:
        return False
    return not any(count for status, count in counts.items() if not status.is_terminal)


def canceled_with_job(status: ExecutionStatus, *, by_force: bool) -> bool:
    """Whether cancelling the job cancels an execution in this status."""
    return status is ExecutionStatus.QUEUED or (by_force and status is ExecutionStatus.IN_PROGRESS)
