"""The detailed log of ``debug = True``: each step, poll, pause and call, in a file.

In the manual ``debug`` chooses between a log file and standard output; here the progress stays on
the terminal, and the file has what a post-mortem needs beside it. Only its owner can read it. It
holds no key, no document and no presigned URL: of a call it has name, HTTP status and error code.
Text from outside is written on one line, with control characters escaped. If the file cannot be
written, the user is warned once and the deployment continues.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from otactl.deploy.observer import Moment, Observer, StepMoment
from otactl.deploy.step import Step
from otactl.model.outcome import RoundResult
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import GateStatus
from otactl.operations.frontend import Frontend

#: The other moments mark where a process may be killed; they would repeat the same lines.
_LOGGED = frozenset({Moment.BEGUN, Moment.DONE, Moment.UNDOING, Moment.UNDONE})


class DebugLog(Observer):
    """An observer that logs events and passes them on. Use as a context manager.

    Args:
        path: The log; lines of earlier processes stay.
        now_ms: The clock.
        observer: The observer that is notified next.
        frontend: Is notified where the log is, or that it cannot be written.
    """

    def __init__(
        self, path: Path, now_ms: Callable[[], int], observer: Observer, frontend: Frontend
    ) -> None:
        self._path = path
        self._now_ms = now_ms
        self._observer = observer
        self._frontend = frontend
        self._file: int | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            self._give_up(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._file is None:
                return
            os.close(self._file)
            self._file = None
        self._frontend.note(f"log: {self._path}")

    def write(self, text: str) -> None:
        """Write one line. Safe to call from any thread."""
        moment = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        line = f"{moment.isoformat(timespec='milliseconds')} {_one_line(text)}\n"
        with self._lock:
            if self._file is None:
                return
            try:
                os.write(self._file, line.encode(errors="replace"))
            except OSError as error:
                os.close(self._file)
                self._file = None
                self._give_up(error)

    def on_call(self, name: str, status: int | None, code: str) -> None:
        """Log one attempt of an API call, answered or failed."""
        self.write(f"call {name} {status or 'no answer'} {code}".rstrip())

    def on_step(self, moment: StepMoment) -> None:
        """Log the state of a step."""
        if moment.moment in _LOGGED:
            self.write(f"{moment.moment.value} {moment.step.key}: {moment.step.title}")
        self._observer.on_step(moment)

    def on_progress(self, step: Step, done: int, of: int) -> None:
        """Pass it on; the log has the calls."""
        self._observer.on_progress(step, done, of)

    def on_snapshot(self, round_number: int, snapshot: JobSnapshot) -> None:
        """Log the job's counts."""
        if snapshot.job is None:
            self.write(f"round {round_number} no job")
        else:
            counts = " ".join(f"{key}={n}" for key, n in snapshot.job.counts.by_status.items() if n)
            self.write(f"round {round_number} job {snapshot.job.status} {counts}")
        self._observer.on_snapshot(round_number, snapshot)

    def on_round(self, result: RoundResult) -> None:
        """Log which things did not succeed, and why."""
        for outcome in result.unsuccessful:
            self.write(
                f"round {result.round} {outcome.thing_name} {result.status_words(outcome)}"
                f" {result.reason_words(outcome)}"
            )
        for name in result.not_reached_things:
            self.write(f"round {result.round} {name} did not get the job")
        self.write(f"round {result.round} over: {result.status}")
        self._observer.on_round(result)

    def on_pause(self, reason: str, seconds: float) -> None:
        """Log that AWS is unreachable."""
        self.write(f"pause {seconds:g} s: {reason}")
        self._observer.on_pause(reason, seconds)

    def on_note(self, message: str) -> None:
        """Log it."""
        self.write(message)
        self._observer.on_note(message)

    def on_gate(self, status: GateStatus, *, written: bool) -> None:
        """Log the status of a gate."""
        if not written:
            self.write(status.words)
        self._observer.on_gate(status, written=written)

    def _give_up(self, error: OSError) -> None:
        self._frontend.warn(f"cannot write the log {self._path}: {error.strerror}; no log is kept")


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
