"""How a job ended, by DescribeJob, and the error for each bad end.

A job has no state FAILED: COMPLETED says only that every execution is over (aws-facts A3). A
CONTINUOUS job is never COMPLETED; for a deployment it is settled when every thing it has now is
finished. An abort, the force-stopper and a person all leave CANCELED, and differ in the reason code
and the comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from otactl.errors import (
    DeadlinePassed,
    DeploymentFailed,
    JobAborted,
    JobCanceled,
    JobDeleted,
    StoppedByAlarm,
)
from otactl.model.job_configuration import AbortCriterion
from otactl.model.snapshot import JobDescription
from otactl.model.status import FORCE_STOP_REASON_CODE, JobStatus, TargetSelection
from otactl.rules.abort import firing_criterion


class Ending(StrEnum):
    """How a job ended for the deployment that watched it."""

    COMPLETED = "COMPLETED"
    #: A CONTINUOUS job: all things it has now are finished; it stays open for later ones.
    SETTLED = "SETTLED"
    ABORTED = "ABORTED"
    CANCELED = "CANCELED"
    STOPPED_BY_ALARM = "STOPPED_BY_ALARM"
    DELETED = "DELETED"
    DEADLINE_PASSED = "DEADLINE_PASSED"

    @property
    def is_regular(self) -> bool:
        """Whether the job ran to its own end."""
        return self in (Ending.COMPLETED, Ending.SETTLED)


def ending_of(
    job: JobDescription,
    *,
    things: int,
    target_selection: TargetSelection,
    abort_criteria: Sequence[AbortCriterion],
) -> Ending | None:
    """How the job ended, or None while it runs.

    Args:
        job: From DescribeJob.
        things: How many things the job is for.
        target_selection: CONTINUOUS jobs end for a deployment when they are settled.
        abort_criteria: The job's own, to distinguish an abort from a person's cancel.
    """
    if job.status is JobStatus.COMPLETED:
        return Ending.COMPLETED
    if job.is_being_deleted:
        return Ending.DELETED
    if job.is_closed_settled:
        return Ending.SETTLED
    if job.status is JobStatus.CANCELED:
        return _why_canceled(job, abort_criteria)
    settled = job.counts.total >= things and job.counts.pending == 0 and not job.rolling_out
    if target_selection is TargetSelection.CONTINUOUS and job.counts.total and settled:
        return Ending.SETTLED
    return None


def _why_canceled(job: JobDescription, abort_criteria: Sequence[AbortCriterion]) -> Ending:
    if job.reason_code == FORCE_STOP_REASON_CODE:
        return Ending.STOPPED_BY_ALARM
    # An abort never forces, and has a reason code of the service's own that AWS does not document
    # (aws-facts C). If the code does not decide, the counts do.
    if not job.force_canceled and (
        job.reason_code.startswith("ABORT")
        or firing_criterion(abort_criteria, job.counts.by_status) is not None
    ):
        return Ending.ABORTED
    return Ending.CANCELED


def failure_of(
    ending: Ending, job_id: str, *, comment: str = "", max_wait_seconds: float | None = None
) -> DeploymentFailed | None:
    """The error for an early end, or None for a regular one."""
    said = f": {comment}" if comment else ""
    match ending:
        case Ending.ABORTED:
            return JobAborted(
                f"job {job_id} was aborted by its own criteria{said}",
                hint="check the failures before a new try; if things were left in progress,"
                " `otactl report` fetches their results",
            )
        case Ending.CANCELED:
            return JobCanceled(f"job {job_id} was cancelled by somebody else{said}")
        case Ending.STOPPED_BY_ALARM:
            return StoppedByAlarm(f"job {job_id} was stopped by an alarm{said}")
        case Ending.DELETED:
            return JobDeleted(f"job {job_id} was deleted by somebody else")
        case Ending.DEADLINE_PASSED:
            return DeadlinePassed(
                f"job {job_id} was not over within {max_wait_seconds:g} seconds (--max-wait)",
                hint="things may be offline or silent; [TIMEOUT_CONFIG] ends silent ones",
            )
        case _:
            return None
