"""The ports and the state directory of a local cloud, reserved before its process starts.

The listening sockets and the lock on the state directory are created here and inherited by the
server process. So no other process can take a free port in between, and a port that is in use is
reported to the user at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from otactl.cloud import record
from otactl.cloud.settings import CloudSettings
from otactl.errors import LocalResourceMissing

_LISTENING = "0A"
_LOCAL_ADDRESS, _STATE, _INODE = 1, 3, 9


def describe_owner(port: int) -> str | None:
    """The process that listens on a port, as ``process 4711 (python)``; None if unknown."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        # Processes may end meanwhile, and those of other users cannot be read.
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


_LOOPBACK = "127.0.0.1"
_BACKLOG = 1024


@dataclass(slots=True, kw_only=True)
class Reservation:
    """Open files for one server process; closed here after the process inherited them.

    Attributes:
        remove_state_dir: Whether the directory is temporary.
    """

    gateway: socket.socket
    https: socket.socket
    mqtt: socket.socket
    lock_fd: int
    state_dir: Path
    remove_state_dir: bool

    @classmethod
    def make(cls, settings: CloudSettings) -> Self:
        """Reserve everything, or nothing. The directory is last, so that an error leaves none.

        Raises:
            LocalResourceMissing: A port is in use, or the directory cannot be used.
            AlreadyRunning: Another cloud runs with the directory.
        """
        if settings.state_dir is not None:
            # Checked before the ports, because that cloud itself may use them.
            record.refuse_running(settings.state_dir)
        with contextlib.ExitStack() as undo:
            gateway = undo.enter_context(listen(settings.port, "--port"))
            https = undo.enter_context(listen(0, "--port"))
            mqtt = undo.enter_context(listen(settings.mqtt_port, "--mqtt-port"))
            state_dir = _state_directory(settings.state_dir)
            if settings.state_dir is None:
                undo.callback(shutil.rmtree, state_dir, ignore_errors=True)
            lock_fd = record.lock(state_dir)
            undo.pop_all()
        return cls(
            gateway=gateway,
            https=https,
            mqtt=mqtt,
            lock_fd=lock_fd,
            state_dir=state_dir,
            remove_state_dir=settings.state_dir is None,
        )

    @property
    def file_descriptors(self) -> tuple[int, ...]:
        """The file descriptors that the server process inherits."""
        sockets = (self.gateway, self.https, self.mqtt)
        return (*(each.fileno() for each in sockets), self.lock_fd)

    def close_sockets(self) -> None:
        """Close our copies of the listening sockets."""
        for each in (self.gateway, self.https, self.mqtt):
            each.close()

    def close(self) -> None:
        """Close our copies of all files; the server process keeps its own."""
        self.close_sockets()
        os.close(self.lock_fd)


def listen(port: int, flag: str) -> socket.socket:
    """A listening socket on loopback.

    Args:
        port: 0 takes a free one.
        flag: The option that sets the port, for the message.

    Raises:
        LocalResourceMissing: The port is in use or not allowed.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((_LOOPBACK, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        owner = describe_owner(port)
        raise LocalResourceMissing(
            f"port {port} on {_LOOPBACK} cannot be used: {error.strerror}"
            + (f"; it belongs to {owner}" if owner else ""),
            hint=f"stop what uses it, or choose another with {flag} (0 takes a free one)",
        ) from error
    return sock


def _state_directory(given: Path | None) -> Path:
    if given is None:
        return Path(tempfile.mkdtemp(prefix="otactl-cloud-"))
    try:
        given.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=given):
            pass
    except OSError as error:
        raise LocalResourceMissing(
            f"the state directory {given} cannot be written: {error.strerror}",
            hint="choose another with --state-dir, or ask its owner for write permission",
        ) from error
    return given.resolve()
