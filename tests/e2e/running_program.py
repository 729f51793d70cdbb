"""Runs ``otactl`` beside a test that goes on: what it wrote so far, what it used, how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.warm_program import WarmProgram

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_DEADLINE_SECONDS = 90
_POLL_SECONDS = 0.05


class RunningProgram:
    """A program that runs until the ``with`` block is left, or its own end.

    Args:
        arguments: Of ``otactl``.
        env: Its environment, whole.
        cwd: Where it runs.
        command: Another program in place of ``otactl``, which is a fork of the warm one.
    """

    def __init__(
        self,
        *arguments: str,
        env: dict[str, str],
        cwd: Path | None = None,
        command: tuple[str, ...] = (),
    ) -> None:
        self._process = (
            subprocess.Popen(
                [*command, *arguments],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            if command
            else WarmProgram(arguments, env=env, cwd=cwd)
        )
        self._written: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._threads = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._written
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()

    @property
    def lines(self) -> list[str]:
        """The lines on standard output so far."""
        return list(self._written["stdout"])

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The same, one JSON object a line."""
        return [json.loads(line) for line in self.lines]

    @property
    def said(self) -> str:
        """What stands on standard error so far."""
        return "".join(self._written["stderr"])

    @property
    def cpu_seconds(self) -> float:
        """The processor time it used so far; it must still run."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for(self, condition: Callable[[Self], object], what: str) -> None:
        """Wait until something can be seen."""
        until = time.monotonic() + _DEADLINE_SECONDS
        while not condition(self):
            if self._process.poll() is not None and not condition(self):
                for thread in self._threads:
                    thread.join()
                if condition(self):
                    return
                raise AssertionError(f"ended before {what}: {self.lines[-3:]} {self.said}")
            assert time.monotonic() < until, f"never {what}: {self.lines[-3:]} {self.said}"
            time.sleep(_POLL_SECONDS)

    def send(self, signal_number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(signal_number)

    def end(self, seconds: float = _DEADLINE_SECONDS) -> int:
        """Wait for its own end; returns its exit code."""
        code = self._process.wait(seconds)
        for thread in self._threads:
            thread.join()
        return code

    def _read(self, name: str) -> None:
        stream = getattr(self._process, name)
        for line in stream:
            self._written[name].append(line)
