"""Cleans up after a killed rehearsal: keys in temporary folders, a journal that seems to run.

A rehearsal removes its folders itself, however it ends, except after SIGKILL or a power cut; then
the next rehearsal does. Whether a process still runs is checked by its locks, which the kernel
releases: a process id may have been reused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from otactl.cloud.record import LOCK_NAME, is_running
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.store import DeploymentStore
from otactl.errors import OtactlError, UserMistake

_PREFIX = "otactl-rehearsal-"
_CLOUD_PREFIX = "otactl-cloud-"
#: A younger folder may not be locked yet.
_YOUNG_SECONDS = 60.0


@contextmanager
def work_folder() -> Iterator[Path]:
    """A temporary folder for a rehearsal, locked while it is used and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        lock = os.open(Path(name) / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


def remove_abandoned_folders(parent: Path | None = None) -> list[Path]:
    """Remove temporary folders of rehearsals and their clouds whose processes have ended.

    Args:
        parent: Where temporary folders are; None for the system's default.

    Returns:
        The removed folders.
    """
    removed = []
    for prefix in (_PREFIX, _CLOUD_PREFIX):
        for folder in Path(parent or tempfile.gettempdir()).glob(f"{prefix}*"):
            with suppress(OSError, OtactlError):
                if _is_abandoned(folder):
                    shutil.rmtree(folder)
                    removed.append(folder)
    return removed


def _is_abandoned(folder: Path) -> bool:
    found = folder.lstat()
    is_ours = folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid()
    # The age depends on the wall clock, which may be changed; the lock still decides.
    is_young = abs(time.time() - found.st_mtime) < _YOUNG_SECONDS
    return is_ours and not is_young and (folder / LOCK_NAME).exists() and not is_running(folder)


def end_abandoned_journals(store: DeploymentStore) -> list[str]:
    """Mark rehearsals whose processes have ended as finished. Returns their ids."""
    ended = []
    for deployment_id, read in store.journals():
        if not read.is_rehearsal or read.phase is Phase.FINISHED:
            continue
        try:
            journal = Journal.open(store.path(deployment_id))
        except UserMistake:
            continue  # a process works on it
        with closing(journal):
            journal.enter_outcome(Outcome.FAILED, "the rehearsal's process was killed")
            journal.enter_phase(Phase.FINISHED)
            ended.append(deployment_id)
    return ended
