"""A local cloud that runs, and how it is stopped.

The process is a child, not a thread: MiniStack reads its settings when it is imported and keeps
its state in its modules, so two clouds (or two speeds) cannot live in one process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from otactl.cloud import record
from otactl.errors import LocalResourceMissing
from otactl.model.local_cloud import LocalCloudAddress

LOG_NAME = "cloud.log"

_STOP_SECONDS = 8.0
_POLL_SECONDS = 0.05


class RunningCloud:
    """A local cloud that runs. As a context manager it is stopped at the end.

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
        """What the cloud wrote about itself."""
        return Path(self.address.state_dir) / LOG_NAME

    @property
    def ended_orderly(self) -> bool:
        """Whether it has ended because it was asked to, and not by a fault."""
        return self._process.poll() in (0, -signal.SIGTERM)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the cloud ends by itself or by somebody else.

        Args:
            timeout: Seconds; None waits for ever.

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
                # It leads its own group: its Lambda functions go with it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._lifeline_fd is not None:
            os.close(self._lifeline_fd)
            self._lifeline_fd = None


def stop_local_cloud(state_dir: Path) -> bool:
    """Stop the cloud that runs with a state directory, whichever process started it.

    Returns:
        Whether there was one.

    Raises:
        LocalResourceMissing: It did not end within seconds.
    """
    address = record.read_record(state_dir)
    if address is None:
        return False
    # The lock is held, so the process of that number is still the one that wrote the record.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(address.pid, number)
        deadline = time.monotonic() + _STOP_SECONDS
        while record.is_running(state_dir):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        else:
            (state_dir / record.RECORD_NAME).unlink(missing_ok=True)
            return True
    raise LocalResourceMissing(f"the local cloud (process {address.pid}) does not end")
