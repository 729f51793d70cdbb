"""How late an event loop runs what is due, because of much work or a busy machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Real seconds between two measurements.
_INTERVAL_SECONDS = 0.1


class LoopLateness:
    """The lateness of an event loop while ``watch`` runs in it.

    Args:
        speed: Seconds of the loop's clock for each real one.
        on_late: Called with each lateness and this thread's processor time meanwhile, both in
            real seconds; much lateness with little processor time means a busy machine.
    """

    def __init__(
        self, speed: float = 1.0, on_late: Callable[[float, float], None] | None = None
    ) -> None:
        self._longest = 0.0
        self._speed = speed
        self._on_late = on_late

    def take_longest(self) -> float:
        """The longest lateness since the last call, in real seconds."""
        longest, self._longest = self._longest, 0.0
        return longest

    async def watch(self) -> None:
        """Measure ten times a second, until cancelled."""
        while True:
            began, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(_INTERVAL_SECONDS * self._speed)
            late = time.monotonic() - began - _INTERVAL_SECONDS
            self._longest = max(self._longest, late)
            if self._on_late is not None:
                self._on_late(late, time.thread_time() - used)
