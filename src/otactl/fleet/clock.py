"""The fleet's clock: real time, or as much faster as the local cloud's.

A rehearsal may run at a speed: a minute of the cloud is then a second here. What a device does
for itself (installing, rebooting, a slow link) takes its time by this clock, so that what devices
report fits what the cloud records.
"""

from __future__ import annotations

import asyncio
import time

from otactl.model.local_cloud import LocalCloudAddress

_MS = 1000


class FleetClock:
    """Epoch milliseconds that never jump.

    Args:
        speed: How many seconds pass here for each second of real time.
        origin_ms: When the two clocks showed the same, in epoch milliseconds.
    """

    def __init__(self, *, speed: float = 1.0, origin_ms: int = 0) -> None:
        self.speed = speed
        self._origin_ms = origin_ms
        # The wall clock may be set while devices wait; the monotonic one may not.
        self._wall_offset_ms = time.time_ns() / 1e6 - time.monotonic() * _MS

    @classmethod
    def of_local_cloud(cls, address: LocalCloudAddress) -> FleetClock:
        """The clock that shows what the local cloud's shows."""
        return cls(speed=address.clock_speed, origin_ms=address.clock_origin_ms)

    def now_ms(self) -> int:
        """What the clock shows."""
        real_ms = time.monotonic() * _MS + self._wall_offset_ms
        return self._origin_ms + int((real_ms - self._origin_ms) * self.speed)

    def real_seconds(self, duration_ms: float) -> float:
        """How long a duration by this clock takes in real time; never negative."""
        return max(0.0, duration_ms / _MS / self.speed)

    async def sleep_ms(self, duration_ms: float) -> None:
        """Wait, by this clock."""
        await asyncio.sleep(self.real_seconds(duration_ms))
