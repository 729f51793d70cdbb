"""Deleting a job and waiting until it is gone: AWS deletes in the background (aws-facts A4)."""

from __future__ import annotations

from otactl.deploy.consent import Consent, Deletion, end_job
from otactl.deploy.ports import Services
from otactl.errors import AwsRefused
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

    Args:
        services: The world.
        job: The job.
        consent: Why it may be deleted.

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
