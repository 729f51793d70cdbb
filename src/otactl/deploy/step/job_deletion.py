"""Deleting a job and waiting until it is gone: AWS deletes in the background (aws-facts A4)."""

from __future__ import annotations

from otactl.deploy.ports import Services

_POLL_SECONDS = 0.5
_PATIENCE_MS = 300_000


def delete_and_wait(services: Services, job_id: str) -> None:
    """Delete a job, running or not, and wait until its id is free."""
    services.jobs.delete(job_id)
    wait_until_gone(services, job_id)


def wait_until_gone(services: Services, job_id: str) -> None:
    """Wait until a job that is being deleted is gone, or patience ends: it goes by itself."""
    give_up_at = services.clock.now_ms() + _PATIENCE_MS
    while services.jobs.describe(job_id) is not None and services.clock.now_ms() < give_up_at:
        services.clock.sleep(_POLL_SECONDS)
