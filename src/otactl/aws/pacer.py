"""Keeps calls apart: at least so long from one to the next, across all threads."""

from __future__ import annotations

import threading
import time


class Pacer:
    """Lets one call pass per interval.

    Args:
        interval_seconds: Least time between two calls; 0 lets them all pass.
    """

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until it is this call's turn."""
        if not self._interval_seconds:
            return
        with self._lock:
            slot = max(time.monotonic(), self._next)
            self._next = slot + self._interval_seconds
        time.sleep(max(0.0, slot - time.monotonic()))
