"""Several workers on one machine, each in its own process, watched by a parent process.

A worker that was killed by a signal is replaced; its request is released when its lease expires.
Ctrl-C and SIGTERM are passed on once; then the parent waits for all workers.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from otactl.errors import Interrupted
from otactl.operations.clock import CommandClock

_POLL_SECONDS = 0.5


@dataclass(eq=False)
class WorkerPool:
    """N workers with the same command line; the signals ask them to stop."""

    command: Sequence[str]
    size: int
    signals: Sequence[signal.Signals]
    warn: Callable[[str], None]
    _clock: CommandClock = field(init=False, default_factory=CommandClock)
    _stop: Interrupted | None = field(init=False, default=None)

    def run(self) -> int:
        """Run until all have ended. Returns the first exit code that is not 0.

        Raises:
            Interrupted: The user asked to stop; all have ended.
        """
        handlers = {number: signal.signal(number, self._on_signal) for number in self.signals}
        try:
            code = self._supervise()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if self._stop is not None:
            raise self._stop
        return code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._clock.ask_to_stop(number)

    def _supervise(self) -> int:
        workers = [self._start() for _ in range(self.size)]
        codes: list[int] = []
        while workers:
            try:
                self._clock.sleep(_POLL_SECONDS)
            except Interrupted as stop:
                self._stop = stop
                self._clock.shield()
                for worker in workers:
                    worker.send_signal(signal.SIGTERM)
            for worker in [each for each in workers if each.poll() is not None]:
                workers.remove(worker)
                if worker.returncode < 0 and self._stop is None:
                    self.warn(f"a worker was killed by signal {-worker.returncode}; replaced")
                    workers.append(self._start())
                else:
                    codes.append(abs(worker.returncode))
        return next((code for code in codes if code), 0)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches a worker only through the parent, once.
        return subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "otactl", *self.command], start_new_session=True
        )
