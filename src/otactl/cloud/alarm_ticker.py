"""Lets alarms change their state though nobody calls: every few seconds of the cloud's time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOUD_SECONDS = 5.0
#: However fast the cloud's clock, this machine has other work too.
_LEAST_REAL_SECONDS = 0.25


class AlarmTicker:
    """See the module.

    Args:
        evaluate: Evaluates every alarm there is.
        speed: Cloud seconds for each real one.
    """

    def __init__(self, evaluate: Callable[[], None], speed: float) -> None:
        self._evaluate = evaluate
        self._interval = max(_CLOUD_SECONDS, _LEAST_REAL_SECONDS * speed)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._evaluate()
