"""The files of the journals of all deployments, and their ids."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from otactl.deploy.journal import Journal
from otactl.errors import LocalResourceMissing, UserMistake

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}", re.ASCII)
_SUFFIX = ".sqlite"


def new_deployment_id(now_ms: int) -> str:
    """An id that sorts by time and is unique: ``20261123T143355Z-7f3a9c``."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class DeploymentStore:
    """The journals below one state directory.

    Args:
        state_dir: The state directory; it is created with the first journal.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "deployments"

    def path(self, deployment_id: str) -> Path:
        """The file of one deployment.

        Raises:
            UserMistake: The id is invalid: it must never be able to name another file.
        """
        if _ID.fullmatch(deployment_id) is None:
            raise UserMistake(
                f"no deployment {deployment_id!r}, by its id or its job's, is kept on this machine",
                hint="`otactl history` lists them",
            )
        return self._folder / f"{deployment_id}{_SUFFIX}"

    def ids(self) -> list[str]:
        """The ids of all deployments, the newest first.

        Raises:
            LocalResourceMissing: The folder exists and cannot be read.
        """
        try:
            paths = list(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            # It is not empty: a glob would find nothing in it without an error.
            raise LocalResourceMissing(
                f"cannot read {self._folder}: {error.strerror}",
                hint="make it yours, or choose another --state-dir",
            ) from error
        found = (path.stem for path in paths if path.suffix == _SUFFIX)
        return sorted((name for name in found if _ID.fullmatch(name)), reverse=True)

    def newest_of_job(self, job_id: str, *, rehearsals_last: bool = False) -> str | None:
        """The newest deployment of a job, or None if there is none.

        With ``rehearsals_last``, a rehearsal only if there is no other.
        """
        rehearsal = None
        for deployment_id, journal in self.journals():
            if job_id in (journal.plan.job_id, *journal.plan.job_ids):
                if not (rehearsals_last and journal.is_rehearsal):
                    return deployment_id
                rehearsal = rehearsal or deployment_id
        return rehearsal

    def deployed(self, *, rehearsals: bool) -> Iterator[Journal]:
        """As ``journals``; without ``rehearsals``, those of images that real things got."""
        return (found for _, found in self.journals() if rehearsals or not found.is_rehearsal)

    def journals(self) -> Iterator[tuple[str, Journal]]:
        """Every readable journal, the newest first; each is closed before the next is opened."""
        for deployment_id, journal in self.entries():
            if isinstance(journal, Journal):
                yield deployment_id, journal

    def entries(self) -> Iterator[tuple[str, Journal | UserMistake]]:
        """Every journal, the newest first, or the reason why it cannot be read."""
        for deployment_id in self.ids():
            with ExitStack() as stack:
                found: Journal | UserMistake
                try:
                    found = stack.enter_context(closing(Journal.read(self.path(deployment_id))))
                    found.check()
                except UserMistake as error:
                    found = error
                yield deployment_id, found
