"""What lies between a device and the network: nothing, a slow line, or one that alters bytes."""

from __future__ import annotations

from otactl.device.behaviour import Behaviour
from otactl.fleet.clock import FleetClock

_MS = 1000


class Link:
    """One device's line.

    Args:
        behaviour: SLOW delays, CORRUPT alters; every other line is clear.
        bytes_per_second: What a slow line lets through, by the fleet's clock.
    """

    def __init__(self, behaviour: Behaviour, bytes_per_second: int, clock: FleetClock) -> None:
        self._behaviour = behaviour
        self._bytes_per_second = bytes_per_second
        self._clock = clock
        self._free_at_ms = 0.0

    async def carry(self, size_bytes: int) -> None:
        """Wait as long as N bytes take to arrive."""
        if self._behaviour is not Behaviour.SLOW:
            return
        now_ms = self._clock.now_ms()
        # What was carried before still occupies the line.
        self._free_at_ms = max(self._free_at_ms, now_ms)
        self._free_at_ms += size_bytes * _MS / self._bytes_per_second
        await self._clock.sleep_ms(self._free_at_ms - now_ms)

    def deliver(self, offset: int, payload: bytes) -> bytes:
        """What arrives of these bytes of the image: on a corrupting line the first one differs."""
        if self._behaviour is Behaviour.CORRUPT and offset == 0 and payload:
            return bytes([payload[0] ^ 1]) + payload[1:]
        return payload
