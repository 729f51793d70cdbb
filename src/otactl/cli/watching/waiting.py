"""``monitor --wait``: a job that is not there yet may begin in AWS, or in a rehearsal's cloud.

A rehearsal needs no AWS account, so whoever waits for one may have no credentials. The watch polls
where the command line says, and looks at the journals of this machine at the same time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from otactl.cli import terminal
from otactl.cli.watching.choice import NothingAtWork
from otactl.cli.watching.place import rehearsal_cloud, told_by
from otactl.deploy.journal_reader import running_deployments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from otactl.cli.watching.choice import Choice
    from otactl.deploy.store import DeploymentStore

_POLL_SECONDS = 0.5


def choose_when_there(choose: Callable[[], Choice]) -> Choice:
    """Choose the jobs; if none was named, wait until a deployment of this machine is under way."""
    is_told = False
    while True:
        try:
            return choose()
        except NothingAtWork as nothing:
            if not is_told:
                terminal.note(f"{nothing}: waiting for one")
            is_told = True
        time.sleep(_POLL_SECONDS)


def still_there(journal_path: Path | None) -> Path | None:
    """The journal that says where to poll, unless it is of a rehearsal whose cloud is gone."""
    about, _ = told_by(journal_path)
    is_over = about.get("localCloud") is not None and rehearsal_cloud(about) is None
    return None if is_over else journal_path


def rehearsal_begun(
    store: DeploymentStore, job_ids: Collection[str], *, endpoint_url: str | None
) -> bool:
    """Whether one of the jobs is being rehearsed in another cloud than the one that is polled.

    Args:
        store: The journals of this machine.
        job_ids: The jobs that are waited for.
        endpoint_url: Of the cloud that is polled; None for AWS.
    """
    for found in running_deployments(store):
        cloud = rehearsal_cloud(found.about) if found.job_id in job_ids else None
        if cloud is not None and cloud.endpoint_url != endpoint_url:
            return True
    return False
