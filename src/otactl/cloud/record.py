"""The file with the address of a running local cloud, and the lock that proves that it runs.

A process id in a file proves nothing: the process may have ended, and its id may be reused. A lock
does: the server holds one on its state directory while it runs, and the kernel releases it when
the process ends in any way.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path

from otactl.atomic_file import write_atomically
from otactl.errors import LocalResourceMissing
from otactl.model.local_cloud import LocalCloudAddress

RECORD_NAME = "cloud.json"
LOCK_NAME = "cloud.lock"


class AlreadyRunning(LocalResourceMissing):
    """Raised when a local cloud already runs with this state directory."""


def lock(state_dir: Path) -> int:
    """Lock a state directory.

    Returns:
        The open file that holds the lock, until every copy of it is closed.

    Raises:
        AlreadyRunning: Another process holds the lock.
        LocalResourceMissing: The file cannot be written.
    """
    path = state_dir / LOCK_NAME
    try:
        lock_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalResourceMissing(
            f"{path} cannot be opened: {error.strerror}",
            hint="choose another --state-dir, or ask its owner for write permission",
        ) from error
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock_fd)
        raise AlreadyRunning(
            f"a local cloud already runs with the state directory {state_dir}",
            hint="`otactl local status` shows it, `otactl local down` stops it; "
            "for a second one give another --state-dir",
        ) from None
    return lock_fd


def refuse_running(state_dir: Path) -> None:
    """Check that no local cloud runs with this state directory; creates no file.

    Raises:
        AlreadyRunning: One runs.
    """
    if (state_dir / LOCK_NAME).exists():
        os.close(lock(state_dir))


def is_running(state_dir: Path) -> bool:
    """Whether a local cloud runs with this state directory."""
    try:
        refuse_running(state_dir)
    except AlreadyRunning:
        return True
    return False


def write_record(address: LocalCloudAddress) -> None:
    """Write the cloud's address; readers see the whole file or none."""
    text = json.dumps(asdict(address), indent=2)
    write_atomically(Path(address.state_dir) / RECORD_NAME, text)


def read_record(state_dir: Path) -> LocalCloudAddress | None:
    """The address of the cloud with this state directory; None if none runs.

    The file of a process that has ended is ignored.
    """
    if not is_running(state_dir):
        return None
    try:
        return LocalCloudAddress(**json.loads((state_dir / RECORD_NAME).read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None  # the cloud is starting or ending
