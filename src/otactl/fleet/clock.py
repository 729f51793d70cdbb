"""The fleet's clock: real time, or as fast as the local cloud's clock.

At speed 60, a minute of the cloud is a second of real time. The device's own work (installing,
rebooting, a slow link) is timed by this clock, so that the durations that devices report fit the
times that the cloud records.
"""

from __future__ import annotations

import asyncio
import time

from otactl.model.local_cloud import LocalCloudAddress

_MS = 1000


class FleetClock:
    """Epoch milliseconds that never jump.

    Args:
        speed: Seconds of this clock for each second of real time.
        origin_ms: The time at which both clocks were equal, in epoch milliseconds.
    """

    def __init__(self, *, speed: float = 1.0, origin_ms: int = 0) -> None:
        self.speed = speed
        self._origin_ms = origin_ms
        # The wall clock may be changed while devices wait; the monotonic clock cannot.
        self._wall_offset_ms = time.time_ns() / 1e6 - time.monotonic() * _MS

    @classmethod
    def of_local_cloud(cls, address: LocalCloudAddress) -> FleetClock:
        """A clock in step with the local cloud's."""
        return cls(speed=address.clock_speed, origin_ms=address.clock_origin_ms)

    def now_ms(self) -> int:
        """The time, in epoch milliseconds."""
        real_ms = time.monotonic() * _MS + self._wall_offset_ms
        return self._origin_ms + int((real_ms - self._origin_ms) * self.speed)

    def real_seconds(self, duration_ms: float) -> float:
        """A duration of this clock in seconds of real time; never negative."""
        return max(0.0, duration_ms / _MS / self.speed)

    async def sleep_ms(self, duration_ms: float) -> None:
        """Wait for a duration of this clock."""
        await asyncio.sleep(self.real_seconds(duration_ms))
