"""Removes everything a live check created, also after a kill; safe to repeat."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from otactl.aws.clients import AwsClients
from otactl.deploy.consent import Consent, Deletion, end_job
from otactl.deploy.ownership import is_ours
from otactl.deploy.ports import Jobs, ObjectStore, Services
from otactl.errors import OtactlError
from otactl.fleet.store import FleetDirectory
from otactl.operations.fleet_provisioning import delete_fleet
from otactl.operations.live_check.record import LiveRecord

#: How long to wait while AWS deletes jobs in the background, and how often to poll.
_DELETION_SECONDS, _POLL_SECONDS = 20.0, 1.0


def remove(
    clients: AwsClients, services: Services, folder: Path, record: LiveRecord
) -> tuple[str, ...]:
    """Remove everything that a record names, and then the record.

    Returns:
        What could not be removed, each with the reason; the record is kept then.
    """
    left: list[str] = []

    def attempt(what: str, removal: Callable[[], None]) -> None:
        try:
            removal()
        except OtactlError as error:
            left.append(f"{what}: {error}")

    jobs = services.jobs
    for job_id in record.job_ids:
        attempt(f"job/{job_id}", lambda job_id=job_id: _end(jobs, job_id, record))  # type: ignore[misc]
    for stream_id in record.stream_ids:
        attempt(f"stream/{stream_id}", lambda name=stream_id: services.streams.delete(name))  # type: ignore[misc]
    for key in record.object_keys:
        what = f"s3://{record.bucket}/{key}"
        attempt(what, lambda key=key: _delete(services.objects, record.bucket, key))  # type: ignore[misc]
    fleet = FleetDirectory(folder / "fleet")
    if fleet.exists:
        attempt(f"thing/{record.name}", lambda: _delete_fleet(clients, fleet))
    attempt("jobs", lambda: left.extend(_await_deletions(services, record)))
    if not left:
        shutil.rmtree(folder)
    return tuple(left)


def _delete_fleet(clients: AwsClients, fleet: FleetDirectory) -> None:
    for _ in delete_fleet(clients, fleet, fleet.read()):
        pass


def _end(jobs: Jobs, job_id: str, record: LiveRecord) -> None:
    found = jobs.describe(job_id)
    if (
        found is not None
        and not found.is_being_deleted
        and is_ours(found.description, record.run_id)
    ):
        # The user who began the check consented to this; the job has only the check's own thing.
        end_job(jobs, job_id, Deletion(), Consent.YES)


def _delete(objects: ObjectStore, bucket: str, key: str) -> None:
    """Delete every version of an object, the newest first."""
    while (stored := objects.find(bucket, key)) is not None:
        objects.delete(bucket, key, stored.version_id)


def _await_deletions(services: Services, record: LiveRecord) -> list[str]:
    """Wait until AWS has deleted the jobs; returns those it is still deleting."""
    clock = services.clock
    until = clock.monotonic_ms() + int(_DELETION_SECONDS * 1000)
    pending = list(record.job_ids)
    while True:
        pending = [job_id for job_id in pending if services.jobs.describe(job_id) is not None]
        if not pending or clock.monotonic_ms() > until:
            return [f"job/{job_id}: AWS is still deleting it" for job_id in pending]
        clock.sleep(_POLL_SECONDS)
