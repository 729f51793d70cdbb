"""Opens a watch session, also for a job that has not begun yet, in AWS or in a rehearsal's cloud.

A rehearsal needs no AWS account, so its user may have no credentials. A session that waits polls
the location of the options, and reads the journals of this machine at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from otactl.deploy.journal_reader import running_deployments
from otactl.deploy.store import DeploymentStore
from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS
from otactl.model.snapshot import JobSnapshot
from otactl.monitor.watch_policy import WatchPolicy
from otactl.operations.frontend import Frontend
from otactl.operations.location_options import HERE, LocationOptions
from otactl.operations.state_directory import state_directory
from otactl.operations.watch.location import find_location, recorded_location, rehearsal_cloud
from otactl.operations.watch.selection import JobSelection, NothingRunning, select_jobs
from otactl.operations.watch.session import WatchSession, build_session, snapshots

_WAIT_SECONDS = 0.5
#: In a rehearsal, where calls cost nothing and a round may take seconds (wall clock).
_REHEARSAL_POLL_SECONDS = 0.5


def open_session(
    select: Callable[[], JobSelection],
    options: LocationOptions,
    policy: WatchPolicy,
    frontend: Frontend,
    *,
    waits: bool = False,
    things: Sequence[str] = (),
) -> WatchSession:
    """Select the jobs, find where they are, and build the session.

    In a rehearsal the default poll interval is replaced by a short one. With ``waits``, the session
    waits for jobs that do not exist yet, and notifies the frontend.
    """
    selection = _select_when_there(select, frontend) if waits else select()
    path = selection.journal_path
    if waits:
        # The journal of a rehearsal that has ended no longer has a valid location.
        about, _ = recorded_location(path)
        is_over = about.get("localCloud") is not None and rehearsal_cloud(about) is None
        path = None if is_over else path
    location = find_location(options, journal_path=path, region=selection.region)
    store = DeploymentStore(state_directory(options.state_dir))
    job_ids = {job.job_id for job in selection.jobs}
    endpoint_url = location.clients.settings.endpoint_url
    if location.is_rehearsal and policy.interval_seconds == DEFAULT_POLL_SECONDS:
        policy = replace(policy, interval_seconds=_REHEARSAL_POLL_SECONDS * location.speed)

    def is_elsewhere() -> bool:
        """Whether one of the jobs is being rehearsed in a cloud other than the polled one."""
        for found in running_deployments(store):
            cloud = rehearsal_cloud(found.about) if found.job_id in job_ids else None
            if cloud is not None and cloud.endpoint_url != endpoint_url:
                return True
        return False

    return build_session(
        location,
        selection.jobs,
        policy,
        followed=things,
        is_elsewhere=is_elsewhere if waits else None,
    )


def _select_when_there(select: Callable[[], JobSelection], frontend: Frontend) -> JobSelection:
    """Select the jobs; if none is given, wait until a deployment of this machine is running."""
    is_notified = False
    while True:
        try:
            return select()
        except NothingRunning as nothing:
            if not is_notified:
                frontend.note(f"{nothing}: waiting for one")
            is_notified = True
        time.sleep(_WAIT_SECONDS)


def watch(
    job: str | Path | None = None,
    *,
    location: LocationOptions = HERE,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    details: int = DEFAULT_DETAILS,
) -> Iterator[JobSnapshot]:
    """Watch a job to its end, yielding a snapshot at each change.

    Args:
        job: A job's or deployment's id, or the path of a ``dev.ini``; None for what is running.
        location: Where to work.
        poll_seconds: Seconds between two polls.
        details: Maximum number of failed things queried for their reasons.

    Raises:
        UserMistake: There is no such job.
    """
    is_file = isinstance(job, Path) or (job is not None and job.endswith(".ini"))
    files = [Path(job)] if is_file and job is not None else []
    job_ids = [str(job)] if job is not None and not is_file else []
    policy = WatchPolicy(interval_seconds=poll_seconds, details=details)
    session = open_session(
        lambda: select_jobs(files, job_ids, state_dir=location.state_dir, settles=True),
        location,
        policy,
        Frontend(),
    )
    found = False
    for snapshot in snapshots(session):
        if snapshot.job is not None:
            found = True
            yield snapshot
    if not found and (failure := session.failure()) is not None:
        raise failure
