"""The one place where a job is deleted, or cancelled by force.

Both end what devices are in the middle of: DeleteJob with all records, a forced CancelJob so that
devices can no longer report (API Reference, DeleteJob and CancelJob, ``force``). So both need a
``Consent``: the word of a user who knows which job it is, or the fact that the job has ended, which
is looked up here each time and never assumed.

``tests/unit/deploy/test_consent.py`` proves that nothing else in otactl calls them, with one
exception: the force-stopper of the monitoring stack (``lambdas/force_stopper.py``) is the alarm
that the user armed for this very purpose, and acts when there is no one to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from otactl.errors import JobUnfinished
from otactl.model.snapshot import JobDescription


class Consent(StrEnum):
    """Why a job may be deleted or cancelled by force."""

    #: It has ended; this is looked up.
    ENDED = "ENDED"
    #: It is CONTINUOUS, every thing it has is finished, and ``cleanUpCfg = True`` does not keep it
    #: for those that join later; that all are finished is looked up.
    SETTLED = "SETTLED"
    #: The user answered a question that named the job.
    ANSWERED = "ANSWERED"
    #: The user passed ``--yes``.
    YES = "YES"
    #: The user passed ``deploy --force``: delete the job that has the configured id.
    FORCE = "FORCE"
    #: The job is in the cloud of a rehearsal, which is about to go.
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
    """IoT Jobs, as far as ending one goes. Only this module calls the last two."""

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none."""

    def delete_job(self, job_id: str) -> None:
        """Delete a job and all its executions, running or not."""

    def force_cancel_job(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job and its executions in progress."""


def end_job(jobs: EndsJobs, job_id: str, act: Deletion | ForcedCancel, consent: Consent) -> None:
    """Delete a job, or cancel it by force, if that is consented to.

    Raises:
        JobUnfinished: It has not ended, and nobody consented.
        AwsRefused: AWS said no.
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
