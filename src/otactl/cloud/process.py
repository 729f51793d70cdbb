"""A running local cloud, and how it is stopped.

The process is a child, not a thread: MiniStack reads its settings when it is imported and keeps
its state in its modules, so two clouds (or two speeds) cannot live in one process.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from otactl.cloud import record
from otactl.cloud.guard import SECRET_HEADER
from otactl.errors import LocalResourceMissing
from otactl.model.local_cloud import LocalCloudAddress

#: The only address anything of ours listens on.
HOST = "127.0.0.1"
LOG_NAME = "cloud.log"
LATENESS_PATH = "/_ministack/lateness"

_STOP_SECONDS = 8.0
_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 10.0


class NotReady(Exception):
    """Raised when the cloud does not serve; the message says what was last seen."""


def get(port: int, secret: str, path: str) -> str:
    """Read an address of the cloud's administration.

    Raises:
        NotReady: The cloud refused.
        OSError, http.client.HTTPException: The cloud did not answer.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={SECRET_HEADER: secret})
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise NotReady(f"{path} answered {answer.status}: {body[:200]}")
    return body


class RunningCloud:
    """A running local cloud. As a context manager it is stopped at the end.

    Attributes:
        address: How to reach it.
    """

    def __init__(self, process: subprocess.Popen[bytes], lifeline_fd: int | None) -> None:
        self._process = process
        self._lifeline_fd = lifeline_fd
        self.address: LocalCloudAddress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def log_file(self) -> Path:
        """The cloud's log."""
        return Path(self.address.state_dir) / LOG_NAME

    @property
    def ended_orderly(self) -> bool:
        """Whether it has ended because it was asked to, not because of an error."""
        return self._process.poll() in (0, -signal.SIGTERM)

    def take_lateness(self) -> float | None:
        """The longest lateness of its event loop since the last call, in real seconds.

        Returns:
            None if the cloud does not answer: it has ended, or hangs.
        """
        port = urlsplit(self.address.endpoint_url).port
        assert port is not None  # noqa: S101  # an address of ours
        try:
            return float(json.loads(get(port, self.address.cloud_secret, LATENESS_PATH)))
        except (OSError, http.client.HTTPException, NotReady):
            return None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the cloud ends, whatever ends it.

        Args:
            timeout: Seconds; None waits without a limit.

        Returns:
            Whether it has ended.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return not self.is_alive

    def stop(self) -> None:
        """End the process within seconds; harmless when it has ended already."""
        if self.is_alive:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(self._process.pid)
        self._process.wait()
        if self._lifeline_fd is not None:
            os.close(self._lifeline_fd)
            self._lifeline_fd = None


def _ask_to_end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _kill(pid: int) -> None:
    # It leads its own group: its Lambda functions go with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def stop_local_cloud(state_dir: Path, *, wait_seconds: float = _STOP_SECONDS) -> bool:
    """Stop the cloud of a state directory, whichever process started it.

    It is killed if it has not ended after ``wait_seconds``.

    Returns:
        Whether a cloud was running.

    Raises:
        LocalResourceMissing: The cloud did not end within some seconds.
    """
    address = record.read_record(state_dir)
    if address is None:
        return False
    # The lock is held, so the process of that number is still the one that wrote the record.
    for end in (_ask_to_end, _kill):
        end(address.pid)
        deadline = time.monotonic() + wait_seconds
        while record.is_running(state_dir):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        else:
            (state_dir / record.RECORD_NAME).unlink(missing_ok=True)
            return True
    raise LocalResourceMissing(f"the local cloud (process {address.pid}) did not end")
