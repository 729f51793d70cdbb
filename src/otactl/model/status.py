"""The states of IoT Jobs, exactly as the service spells them (botocore ``iot`` enums).

And the reason codes that otactl gives when it cancels a job.
"""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """State of a job. COMPLETED means that nothing is left to do, not that anything succeeded."""

    IN_PROGRESS = "IN_PROGRESS"
    CANCELED = "CANCELED"
    COMPLETED = "COMPLETED"
    DELETION_IN_PROGRESS = "DELETION_IN_PROGRESS"
    SCHEDULED = "SCHEDULED"


#: Of a job that notifies things, or will.
OPEN_JOB_STATUSES = frozenset({JobStatus.IN_PROGRESS, JobStatus.SCHEDULED})
#: Of a job that ended by itself or was cancelled.
ENDED_JOB_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.CANCELED})


class ExecutionStatus(StrEnum):
    """State of one job execution: one job on one thing."""

    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    REJECTED = "REJECTED"
    REMOVED = "REMOVED"
    CANCELED = "CANCELED"

    @property
    def is_terminal(self) -> bool:
        """Whether it can never change again."""
        return self not in (ExecutionStatus.QUEUED, ExecutionStatus.IN_PROGRESS)


class TargetSelection(StrEnum):
    """Whether a job ends with the things it found (SNAPSHOT) or takes new ones too (CONTINUOUS)."""

    SNAPSHOT = "SNAPSHOT"
    CONTINUOUS = "CONTINUOUS"


class FailureType(StrEnum):
    """What an abort or retry criterion counts. ALL is FAILED, REJECTED and TIMED_OUT together."""

    FAILED = "FAILED"
    REJECTED = "REJECTED"
    TIMED_OUT = "TIMED_OUT"
    ALL = "ALL"

    @property
    def statuses(self) -> frozenset[ExecutionStatus]:
        """The execution statuses this failure type counts."""
        if self is FailureType.ALL:
            return frozenset(
                {ExecutionStatus.FAILED, ExecutionStatus.REJECTED, ExecutionStatus.TIMED_OUT}
            )
        return frozenset({ExecutionStatus(self.value)})


# The reason codes otactl gives when it cancels a job (CancelJob reasonCode: up to 128 of A-Z0-9_).
# They distinguish a person's act from the force-stopper's, for the deployment that watches the job
# and for people who read it later.

#: The force-stopper acted on an alarm. ``lambdas`` cannot import this; a test keeps them equal.
FORCE_STOP_REASON_CODE = "OTACTL_FORCE_STOP"
#: A person used ``otactl cancel``, the monitor's key or the page's button.
USER_CANCEL_REASON_CODE = "OTACTL_USER_CANCEL"
#: A wave's gate failed, or a person rejected the deployment.
GATE_REASON_CODE = "OTACTL_GATE_STOP"
#: `otactl rollback` stopped the deployment that it rolls back.
ROLLBACK_REASON_CODE = "OTACTL_ROLLBACK_STOP"
#: A deployment in waves ended, or ``openDays`` are over: the open jobs are closed.
CLOSE_REASON_CODE = "OTACTL_CLOSE_CANCEL"
#: Every thing of a wave with a CONTINUOUS job has ended; such a job never completes by itself.
SETTLED_REASON_CODE = "OTACTL_SETTLED_CANCEL"
