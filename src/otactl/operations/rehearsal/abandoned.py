"""What a killed rehearsal leaves on this machine: keys in temporary folders, a journal that runs.

A rehearsal that ends, however it ends, takes its folders down itself; SIGKILL and a power cut let
nothing do so. The next rehearsal does it. Whether a process is gone is seen by its locks, which the
kernel frees: a process id may have been given to another.
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
#: A folder may be that young before its lock is taken.
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
    """Remove the temporary folders of rehearsals, and of their clouds, whose processes are gone.

    Args:
        parent: Where temporary folders are; the system's place when left out.

    Returns:
        What was removed.
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
    # The age of a file is by the wall clock; set back or forward, the lock still decides.
    is_young = abs(time.time() - found.st_mtime) < _YOUNG_SECONDS
    return is_ours and not is_young and (folder / LOCK_NAME).exists() and not is_running(folder)


def end_abandoned_journals(store: DeploymentStore) -> list[str]:
    """Write down that rehearsals whose processes are gone have ended. Returns their ids."""
    ended = []
    for deployment_id, read in store.journals():
        if not read.about.get("rehearsal") or read.phase is Phase.FINISHED:
            continue
        try:
            journal = Journal.open(store.path(deployment_id))
        except UserMistake:
            continue  # a process is at work on it
        with closing(journal):
            journal.enter_outcome(Outcome.FAILED, "the rehearsal's process was killed")
            journal.enter_phase(Phase.FINISHED)
            ended.append(deployment_id)
    return ended
