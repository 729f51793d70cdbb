"""The link between a device and the network: normal, slow, or altering bytes."""

from __future__ import annotations

from otactl.device.behaviour import Behaviour
from otactl.fleet.clock import FleetClock

_MS = 1000


class Link:
    """One device's link.

    Args:
        behaviour: SLOW delays, CORRUPT alters; every other link is normal.
        bytes_per_second: The bandwidth of a slow link, by the fleet's clock.
    """

    def __init__(self, behaviour: Behaviour, bytes_per_second: int, clock: FleetClock) -> None:
        self._behaviour = behaviour
        self._bytes_per_second = bytes_per_second
        self._clock = clock
        self._free_at_ms = 0.0

    async def carry(self, size_bytes: int) -> None:
        """Wait for the time that these bytes need on a slow link."""
        if self._behaviour is not Behaviour.SLOW:
            return
        now_ms = self._clock.now_ms()
        # Earlier bytes still occupy the link.
        self._free_at_ms = max(self._free_at_ms, now_ms)
        self._free_at_ms += size_bytes * _MS / self._bytes_per_second
        await self._clock.sleep_ms(self._free_at_ms - now_ms)

    def deliver(self, offset: int, payload: bytes) -> bytes:
        """The bytes of the image as they arrive: CORRUPT changes the first one."""
        if self._behaviour is Behaviour.CORRUPT and offset == 0 and payload:
            return bytes([payload[0] ^ 1]) + payload[1:]
        return payload
