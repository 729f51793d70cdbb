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
#: The pause before the next try while AWS deletes ten other jobs.
_WAIT_SECONDS = 5
_TOO_MANY = "LimitExceededException"


def delete_and_wait(services: Services, job: JobDescription, consent: Consent) -> None:
    """Delete a job that was found, and wait until its id is free.

    AWS refuses to delete a job that is being deleted already, and any job while ten others of the
    account are being deleted (M DeleteJob): then the deletion is retried.

    Raises:
        JobUnfinished: It has not ended, and the consent does not cover that.
        AwsRefused: AWS refused for another reason, or for more than five minutes.
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
    """Wait until a job that is being deleted is gone, for five minutes at most."""
    give_up_at = services.clock.monotonic_ms() + _MAX_WAIT_MS
    while services.jobs.describe(job_id) is not None and services.clock.monotonic_ms() < give_up_at:
        services.clock.sleep(POLL_SECONDS)


class DeleteExistingJob(Step):
    """Delete the job that has the id the deployment needs, as the user's file or ``--force`` says.

    It is the first step of a plan, so ``--dry-run`` shows it, and it deletes only the job that was
    found when the plan was made.
    """

    kind: Literal["delete-existing-job"] = "delete-existing-job"
    job_id: str
    created_at_ms: int
    reason: str
    consent: Consent = Consent.ENDED
    is_of_wave: bool = False

    #: A check, the deletion of a job that has ended, a check that it is gone.
    calls: ClassVar[Calls] = {"iot:DescribeJob": 3, "iot:DeleteJob": 1}

    @property
    def key(self) -> str:
        """A plan has one job id, or one for each wave."""
        return f"existing-job/{self.job_id}" if self.is_of_wave else "existing-job"

    @property
    def title(self) -> str:
        return f"delete the existing job {self.job_id} ({self.reason})"

    def do(self, context: StepContext) -> Record:
        """Delete it, unless it is gone; refuse if it is another job by now, or still runs."""
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
