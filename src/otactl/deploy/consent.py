"""The one place where a job is deleted, or cancelled by force.

Both stop updates in progress: DeleteJob deletes all records, a forced CancelJob means that devices
can no longer report (API Reference, DeleteJob and CancelJob, ``force``). So both need a
``Consent``: from a user who knows which job it is, or the fact that the job has ended, which is
checked here each time and never assumed.

``tests/unit/deploy/test_consent.py`` proves that nothing else in otactl calls them, with one
exception: the force-stopper of the monitoring stack (``lambdas/force_stopper.py``), which the user
set up for this purpose, and which runs when no user can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from otactl.errors import JobUnfinished
from otactl.model.snapshot import JobDescription


class Consent(StrEnum):
    """Why a job may be deleted or cancelled by force."""

    #: It has ended; this is checked.
    ENDED = "ENDED"
    #: It is CONTINUOUS, every thing it has is finished, and ``cleanUpCfg = True`` does not keep it
    #: for those that join later; that all are finished is checked.
    SETTLED = "SETTLED"
    #: The user answered a question that named the job.
    ANSWERED = "ANSWERED"
    #: The user passed ``--yes``.
    YES = "YES"
    #: The user passed ``deploy --force``: delete the job that has the configured id.
    FORCE = "FORCE"
    #: The job is in the cloud of a rehearsal, which is about to be removed.
    REHEARSAL = "REHEARSAL"


@dataclass(frozen=True, slots=True)
class Deletion:
    """DeleteJob."""


@dataclass(frozen=True, slots=True)
class ForcedCancel:
    """CancelJob with ``force``.

    Attributes:
        reason_code: Upper-case letters, digits and underscores.
    """

    reason_code: str
    comment: str


class EndsJobs(Protocol):
    """The calls of IoT Jobs that end a job. Only this module uses the last two."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None if it is not found."""

    def delete_job(self, job_id: str) -> None:
        """Delete a job and all its executions, running or not."""

    def force_cancel_job(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job and its executions in progress."""


def end_job(jobs: EndsJobs, job_id: str, act: Deletion | ForcedCancel, consent: Consent) -> None:
    """Delete a job, or cancel it by force, if the consent allows it.

    Raises:
        JobUnfinished: It has not ended, and the consent does not cover that.
        AwsRefused: AWS refused.
    """
    if consent in (Consent.ENDED, Consent.SETTLED):
        job = jobs.describe(job_id)
        if job is None:
            return
        if job.is_unfinished and not (consent is Consent.SETTLED and job.is_settled):
            raise JobUnfinished(job_id, job.status.value, in_progress=job.in_progress)
    match act:
        case Deletion():
            jobs.delete_job(job_id)
        case ForcedCancel(reason_code, comment):
            jobs.force_cancel_job(job_id, reason_code=reason_code, comment=comment)
