"""How late an event loop is: what is due waits while much work, or a busy machine, holds it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Real seconds between two looks.
_INTERVAL_SECONDS = 0.1


class LoopLateness:
    """The lateness of an event loop, for as long as ``watch`` runs in it.

    Args:
        speed: Seconds of the loop's clock for each real one.
        on_late: Called with each lateness, and how much of it this thread worked, in real
            seconds: the less of it was work, the busier was the machine.

    """

    def __init__(
        self, speed: float = 1.0, on_late: Callable[[float, float], None] | None = None
    ) -> None:
        self._longest = 0.0
        self._speed = speed
        self._on_late = on_late

    def take_longest(self) -> float:
        """The longest since it was last taken, in real seconds."""
        longest, self._longest = self._longest, 0.0
        return longest

    async def watch(self) -> None:
        """Look ten times a second, until cancelled."""
        while True:
            began, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(_INTERVAL_SECONDS * self._speed)
            late = time.monotonic() - began - _INTERVAL_SECONDS
            self._longest = max(self._longest, late)
            if self._on_late is not None:
                self._on_late(late, time.thread_time() - used)
