"""What runs and listens on this machine, read from /proc: the proof that nothing was left.

Only of processes or sockets that are named: other tests run beside this one and open their own.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTENING = "0A"


class ListeningSocket(NamedTuple):
    """A listening TCP socket; its inode tells it from a later one on the same port."""

    address_hex: str
    port: int
    inode: str


def process_tree(pid: int) -> set[int]:
    """A process and all that it started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    tree = {pid}
    while grown := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return tree


def all_listening_sockets() -> set[ListeningSocket]:
    """Every socket that listens on this machine now, whoever owns it."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = row.split()
            if columns[3] == _LISTENING:
                address, _, port = columns[1].rpartition(":")
                sockets.add(ListeningSocket(address, int(port, 16), columns[9]))
    return sockets


def listening_sockets(pids: set[int]) -> set[ListeningSocket]:
    """Every listening socket of some processes."""
    inodes = {target.removeprefix("socket:[").removesuffix("]") for target in _open_files(pids)}
    return {socket for socket in all_listening_sockets() if socket.inode in inodes}


def _open_files(pids: set[int]) -> Iterator[str]:
    for pid in pids:
        with suppress(OSError):  # it may end, and a file be closed, while this looks
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    yield str(file.readlink())


def processes_mentioning(text: str) -> list[str]:
    """Command lines and environments of processes in which a text occurs, ours left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            fleet_context = (folder / "environ").read_bytes()
        except OSError:
            continue
        if folder.name != str(Path("/proc/self").resolve().name) and (
            text.encode() in command or text.encode() in fleet_context
        ):
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
