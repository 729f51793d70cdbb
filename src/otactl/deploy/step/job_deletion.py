"""Deleting a job and waiting until it is gone: AWS deletes in the background (aws-facts A4)."""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.consent import Consent, Deletion, end_job
from otactl.deploy.ports import Services
from otactl.deploy.step.base import Calls, Record, Step, StepContext
from otactl.errors import AwsRefused, UserMistake
from otactl.model.snapshot import JobDescription

POLL_SECONDS = 0.5
_MAX_WAIT_MS = 300_000
#: How long is waited before AWS is asked again whether others have been deleted.
_WAIT_SECONDS = 5
_TOO_MANY = "LimitExceededException"


def delete_and_wait(services: Services, job: JobDescription, consent: Consent) -> None:
    """Delete a job that was found, and wait until its id is free.

    AWS refuses to delete a job that is being deleted already, and while ten others of the account
    are (M DeleteJob): their turn is waited for.

    Raises:
        JobUnfinished: It has not ended, and nobody consented.
        AwsRefused: AWS said no for another reason, or for longer than the patience.
    """
    give_up_at = services.clock.monotonic_ms() + _MAX_WAIT_MS
    while not job.is_being_deleted:
        try:
            end_job(services.jobs, job.job_id, Deletion(), consent)
            break
        except AwsRefused as refusal:
            if refusal.code != _TOO_MANY or services.clock.monotonic_ms() >= give_up_at:
                raise
        services.clock.sleep(_WAIT_SECONDS)
    wait_until_gone(services, job.job_id)


def wait_until_gone(services: Services, job_id: str) -> None:
    """Wait until a job that is being deleted is gone, or patience ends: it goes by itself."""
    give_up_at = services.clock.monotonic_ms() + _MAX_WAIT_MS
    while services.jobs.describe(job_id) is not None and services.clock.monotonic_ms() < give_up_at:
        services.clock.sleep(POLL_SECONDS)


class DeleteExistingJob(Step):
    """Delete the job that has the id the deployment needs, as the user's file or ``--force`` says.

    It is the first step of a plan, so ``--dry-run`` shows it, and it deletes only the very job that
    was seen when the plan was made.
    """

    kind: Literal["delete-existing-job"] = "delete-existing-job"
    job_id: str
    created_at_ms: int
    reason: str
    consent: Consent = Consent.ENDED
    is_of_wave: bool = False

    #: A look, the deletion of what has ended, a look that it is gone.
    calls: ClassVar[Calls] = {"iot:DescribeJob": 3, "iot:DeleteJob": 1}

    @property
    def key(self) -> str:
        """There is one job id in a plan, or one for each wave."""
        return f"existing-job/{self.job_id}" if self.is_of_wave else "existing-job"

    @property
    def title(self) -> str:
        return f"delete the existing job {self.job_id} ({self.reason})"

    def do(self, context: StepContext) -> Record:
        """Delete it, unless it is gone; refuse if it is another one by now, or goes on."""
        found = context.services.jobs.describe(self.job_id)
        if found is None:
            return {}
        if found.created_at_ms != self.created_at_ms:
            raise UserMistake(
                f"job {self.job_id} is another one than when the plan was made",
                hint="plan again",
            )
        delete_and_wait(context.services, found, self.consent)
        return {}
