"""The deployments that a process of this machine carries out at this moment."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from otactl.cli.watching.journal_glance import JournalGlance
from otactl.deploy.journal import Journal, Phase
from otactl.errors import OtactlError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otactl.deploy.store import DeploymentStore


@dataclass(frozen=True, slots=True)
class DeploymentAtWork:
    """A deployment under way.

    Attributes:
        about: What its journal says of where it is carried out.
    """

    path: Path
    job_id: str
    about: dict[str, Any]


def deployments_at_work(store: DeploymentStore) -> Iterator[DeploymentAtWork]:
    """Find them, the newest first. The lock is tried before a journal is opened: it costs less."""
    for deployment_id in store.ids():
        path = store.path(deployment_id)
        if JournalGlance(path).is_at_work():
            try:
                found = _read(path)
            except (OSError, sqlite3.Error, OtactlError):
                # Its first entry is being written; the next poll finds it.
                continue
            if found is not None:
                yield found


def _read(path: Path) -> DeploymentAtWork | None:
    journal = Journal.read(path)
    try:
        if journal.phase is not Phase.RUNNING:
            return None
        return DeploymentAtWork(path, journal.plan.job_id, dict(journal.about))
    finally:
        journal.close()
