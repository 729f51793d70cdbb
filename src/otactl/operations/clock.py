"""The clock of an operation, which its caller can ask to stop.

After a request to stop it ends every sleep at once; the operation decides what happens to what is
running. In a rehearsal the clock runs at the local cloud's speed, so that every duration a user
sees is one of the rehearsed deployment.
"""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from otactl.aws.machine_time import monotonic_ns, wall_ms
from otactl.errors import Interrupted
from otactl.model.local_cloud import LocalCloudAddress


class CommandClock:
    """Time, and the request to stop (``model.clock.Clock``).

    Args:
        speed: Seconds of this clock per second of the wall clock.
        origin_ms: When the two clocks showed the same time, epoch milliseconds.
        own_ms: The wall clock.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        origin_ms: int | None = None,
        own_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._speed = speed
        self._own_ms = own_ms
        self._origin_ms = own_ms() if origin_ms is None else origin_ms
        self._asked = False
        # Safe to put into from a signal handler; an Event's lock may be held then.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._signal_number = int(signal.SIGINT)
        self._shielded = False

    def renewed(self) -> CommandClock:
        """A clock that shows the same time, not asked to stop and not shielded."""
        return CommandClock(speed=self._speed, origin_ms=self._origin_ms)

    @classmethod
    def of_local_cloud(cls, address: LocalCloudAddress) -> CommandClock:
        """A clock that shows the local cloud's time."""
        return cls(speed=address.clock_speed, origin_ms=address.clock_origin_ms)

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._origin_ms + int((self._own_ms() - self._origin_ms) * self._speed)

    def monotonic_ms(self) -> int:
        """Milliseconds since some instant; changes of the wall clock do not affect it."""
        return int(monotonic_ns() / 1e6 * self._speed)

    def sleep(self, seconds: float) -> None:
        """Wait; raises ``Interrupted`` at once when the user asks to stop, unless shielded."""
        self._wait(seconds)
        self.check()

    def _wait(self, seconds: float) -> None:
        """Wait; unless shielded, only until the user asks to stop."""
        if self._shielded:
            time.sleep(seconds / self._speed)
        elif not self._asked:
            with suppress(queue.Empty):
                self._wakes.get(timeout=max(0, seconds) / self._speed)
                self._wakes.put(None)  # for the next thread that waits

    def check(self) -> None:
        """Raise ``Interrupted`` if the user asked to stop, unless shielded."""
        if self._asked and not self._shielded:
            raise Interrupted(self._signal_number)

    def shield(self) -> None:
        """From now on neither ``sleep`` nor ``check`` raises."""
        self._shielded = True

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether the caller asked to stop."""
        return self._asked

    def ask_to_stop(self, signal_number: int) -> None:
        """Stop the operation at its next safe point."""
        self._signal_number = signal_number
        self._asked = True
        self._wakes.put(None)
