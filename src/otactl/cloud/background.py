"""The cloud's background tasks: a failure is logged, and the work continues.

An asyncio task that raises ends silently. So each loop and task of the cloud is started here, with
a name for ``cloud.log``.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from otactl.loop_lateness import LoopLateness

#: Seconds of the cloud's clock between two rounds of a loop, and the least in real seconds, which
#: bounds the work if the cloud's clock is fast.
_CLOUD_SECONDS = 5.0
_LEAST_REAL_SECONDS = 0.25
#: The least lateness of the event loop that is worth a line, in real seconds.
_NOTED_SECONDS = 0.5

_log = logging.getLogger("otactl.cloud.background")


class Background:
    """The tasks of a cloud; each runs in its own context, so without its starter's account.

    Args:
        speed: Seconds of the cloud's clock, which the event loop keeps, for each real one.

    Attributes:
        lateness: Of the event loop, which delays every connection and request.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._interval = max(_CLOUD_SECONDS, _LEAST_REAL_SECONDS * speed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.lateness = LoopLateness(speed, _log_stall)

    def repeat(
        self, name: str, step: Callable[[], Awaitable[None] | None], interval: float | None = None
    ) -> None:
        """Run a step every few seconds, also after one that failed.

        Args:
            name: For the log.
            step: One round.
            interval: Cloud seconds between two rounds; None means 5, at least 0.25 real ones.
        """
        self.run(name, self._repeat(name, step, self._interval if interval is None else interval))

    def run(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run some work once, in the running event loop."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(self.watch(name, work), name=name, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _repeat(
        self, name: str, step: Callable[[], Awaitable[None] | None], interval: float
    ) -> None:
        while True:
            await asyncio.sleep(interval)
            try:
                done = step()
                if inspect.isawaitable(done):
                    await done
            except Exception:  # noqa: BLE001  # any error; the next round may succeed
                _log.exception("%s failed; it is tried again", name)

    @staticmethod
    async def watch(name: str, work: Awaitable[None]) -> None:
        """Await some work; if it fails, log that and return."""
        try:
            await work
        except Exception:  # noqa: BLE001  # a task's error is silent otherwise
            _log.exception("%s failed", name)


def _log_stall(late: float, used: float) -> None:
    if late > _NOTED_SECONDS:
        _log.warning("the event loop stalled for %.2f s (%.2f s of work)", late, used)
