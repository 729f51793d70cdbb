"""A job of that id from before makes room, when the user's configuration or ``--force`` says so.

It is the first step of a plan, so ``--dry-run`` shows it, and it deletes only the very job that
was seen when the plan was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otactl.deploy.consent import Consent
from otactl.deploy.step.base import Record, Step, StepContext
from otactl.deploy.step.job_deletion import delete_and_wait
from otactl.errors import UserMistake


class DeleteExistingJob(Step):
    """Delete the job that has the id the deployment needs."""

    kind: Literal["delete-existing-job"] = "delete-existing-job"
    job_id: str
    created_at_ms: int
    reason: str
    consent: Consent = Consent.ENDED
    is_of_wave: bool = False

    @property
    def key(self) -> str:
        """There is one job id in a plan, or one for each wave."""
        return f"existing-job/{self.job_id}" if self.is_of_wave else "existing-job"

    @property
    def title(self) -> str:
        """Which job, and on whose word."""
        return f"delete the existing job {self.job_id} ({self.reason})"

    @property
    def calls(self) -> Mapping[str, int]:
        """A look, the deletion of what has ended, a look that it is gone."""
        return {"iot:DescribeJob": 3, "iot:DeleteJob": 1}

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
