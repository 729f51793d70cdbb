"""Which process has a port, so that the user knows whom to ask. Linux tells; elsewhere, nobody."""

from __future__ import annotations

import contextlib
from pathlib import Path

_LISTENING = "0A"
_LOCAL_ADDRESS, _STATE, _INODE = 1, 3, 9


def describe_owner(port: int) -> str | None:
    """The process that listens on a port, as ``process 4711 (python)``; None when unknown."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        # Processes end while we look, and those of other users cannot be looked into.
        with contextlib.suppress(OSError):
            if any(_link(file) in wanted for file in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
    return None


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, rows):
            if columns[_STATE] == _LISTENING and (
                int(columns[_LOCAL_ADDRESS].rpartition(":")[2], 16) == port
            ):
                inodes.add(columns[_INODE])
    return inodes
