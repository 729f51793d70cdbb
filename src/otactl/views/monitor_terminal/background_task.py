"""Carries out what a key asked for beside the screen: AWS may take its time, keys may not.

One errand at a time, in a thread that nobody has to wait for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from otactl.errors import OtactlError


class Errands:
    """Runs errands one after the other, and keeps what they came to until somebody asks."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], str | None]] = queue.SimpleQueue()
        self._reported: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="errands", daemon=True).start()

    def send(self, task: Callable[[], str | None]) -> None:
        """Let something be done. What it returns, or its error's words, can be read later."""
        self._waiting.put(task)

    def read(self) -> str | None:
        """What an errand came to; None when there is nothing to tell."""
        try:
            return self._reported.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        while True:
            task = self._waiting.get()
            try:
                self._reported.put(task() or "")
            except OtactlError as error:
                self._reported.put(str(error))
