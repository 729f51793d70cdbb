"""Deleting a job and waiting until it is gone: AWS deletes in the background (aws-facts A4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.model.status import JobStatus

if TYPE_CHECKING:
    from otactl.deploy.ports import Services
    from otactl.model.snapshot import JobDescription

_POLL_SECONDS = 0.5
_PATIENCE_MS = 300_000


def delete_and_wait(services: Services, job: JobDescription) -> None:
    """Delete a job that was found, running or not, and wait until its id is free.

    AWS refuses to delete a job that is being deleted already (M DeleteJob).
    """
    if job.status is not JobStatus.DELETION_IN_PROGRESS:
        services.jobs.delete(job.job_id)
    wait_until_gone(services, job.job_id)


def wait_until_gone(services: Services, job_id: str) -> None:
    """Wait until a job that is being deleted is gone, or patience ends: it goes by itself."""
    give_up_at = services.clock.now_ms() + _PATIENCE_MS
    while services.jobs.describe(job_id) is not None and services.clock.now_ms() < give_up_at:
        services.clock.sleep(_POLL_SECONDS)
