"""A report of a deployment or a job: from its journal, from the service, or from both."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from otactl.aws.jobs import IotJobs
from otactl.aws.machine_time import wall_ms
from otactl.deploy.journal import Journal
from otactl.deploy.store import DeploymentStore
from otactl.model.defaults import DEFAULT_DETAILS
from otactl.operations.location_options import HERE, LocationOptions
from otactl.operations.report_content import ReportContent
from otactl.operations.report_source import (
    as_of_journal,
    journal_content,
    kept_job_round,
    open_wave_jobs,
    service_content,
    with_kept_job,
    with_running_round,
    with_wave_jobs,
)
from otactl.operations.state_directory import state_directory
from otactl.operations.watch.location import find_location, rehearsal_cloud


def gather(
    deployment: str, location: LocationOptions = HERE, *, details: int = DEFAULT_DETAILS
) -> ReportContent:
    """The report of a deployment or a job, by its id, also long after the job was deleted."""
    store = DeploymentStore(state_directory(location.state_dir))
    known = deployment if deployment in store.ids() else store.newest_of_job(deployment)
    made_ms = wall_ms()
    if known is None:
        found = find_location(location)
        return service_content(
            IotJobs(found.clients),
            deployment,
            details=details,
            region=found.clients.region or "",
            made_ms=found.clock.now_ms(),
        )
    path = store.path(known)
    content = journal_content(path, made_ms)
    if content.waves:
        return _with_waves(content, path, location, details=details)
    kept = kept_job_round(path)
    if kept is None and not content.is_running and len(content.rounds) == content.planned_rounds:
        return content
    if content.is_rehearsal and not _still_runs(path):
        return content if kept is None else as_of_journal(content, "the rehearsal is over")
    found = find_location(location, journal_path=path)
    jobs = IotJobs(found.clients)
    if kept is not None:
        return with_kept_job(content, jobs, details=details)
    return with_running_round(content, jobs, details=details)


def _with_waves(
    content: ReportContent, path: Path, where: LocationOptions, *, details: int
) -> ReportContent:
    open_jobs = open_wave_jobs(path, content)
    if not open_jobs:
        return content
    if content.is_rehearsal and not _still_runs(path):
        return as_of_journal(content, "the rehearsal is over") if content.rounds else content
    location = find_location(where, journal_path=path)
    return with_wave_jobs(content, open_jobs, IotJobs(location.clients), details=details)


def _still_runs(journal_path: Path) -> bool:
    """Whether the cloud of a rehearsal still runs."""
    with closing(Journal.read(journal_path)) as journal:
        return rehearsal_cloud(journal.about) is not None
