"""The cloud's clock, at real speed or faster, and the event loop that runs by it.

A rollout of AWS IoT Jobs releases things once a minute, and a timeout takes at least a minute. To
rehearse an hour in two minutes, the clock of the whole server process runs faster. That needs no
private part of MiniStack: ``time.time`` is replaced before MiniStack is imported, and the event
loop's clock and its waits run at the same speed, so ``asyncio.sleep(60)`` takes ``60 / speed`` real
seconds.

Not scaled, on purpose: ``time.monotonic`` and ``time.sleep`` (worker threads and Lambda measure
real work with them) and ``datetime.now`` and ``time.gmtime`` (signatures of requests contain the
caller's real time; the age of an S3 object does not matter to a rollout).

The loop listens on loopback only. MiniStack's MQTT listener always requests ``0.0.0.0`` (seen in
1.5.33). Nothing of ours may listen beyond loopback, so this loop listens on loopback instead. It
uses the sockets that the parent reserved for their ports, so that no other process can take a port
before the cloud listens.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LOOPBACK = "127.0.0.1"
#: The defaults of asyncio, in real seconds: a handshake costs work, and work takes real time.
_HANDSHAKE_SECONDS = 60.0
_TLS_SHUTDOWN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class CloudClock:
    """Maps real time to the cloud's time; both are equal at the origin.

    Attributes:
        origin: Epoch seconds.
        speed: Cloud seconds for each real second.
    """

    origin: float
    speed: float

    def at(self, now: float) -> float:
        """The cloud's time at the real time ``now``; both in epoch seconds."""
        return self.origin + (now - self.origin) * self.speed


def install_clock(clock: CloudClock) -> None:
    """Make ``time.time`` and ``time.time_ns`` of this process return the cloud's time.

    For the server process only, before MiniStack is imported.
    """
    real_time = time.time

    def cloud_time() -> float:
        return clock.at(real_time())

    def cloud_time_ns() -> int:
        return int(cloud_time() * 1e9)

    time.time = cloud_time
    time.time_ns = cloud_time_ns


class _PacedSelector(selectors.DefaultSelector):
    """Waits ``1 / speed`` of each timeout, which is in cloud seconds."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / self._speed)


class CloudLoop(asyncio.SelectorEventLoop):
    """See the module.

    Args:
        speed: Loop seconds for each real second.
        reserved: Listening sockets on loopback, used for listeners on their ports.
    """

    def __init__(self, speed: float = 1.0, reserved: Iterable[socket.socket] = ()) -> None:
        self._speed = speed
        self._started = time.monotonic()
        self._reserved = {sock.getsockname()[1]: sock for sock in reserved}
        super().__init__(_PacedSelector(speed))

    def time(self) -> float:
        """Monotonic seconds of the cloud's clock."""
        return self._started + (time.monotonic() - self._started) * self._speed

    async def create_server(
        self,
        protocol_factory: Any,
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> asyncio.Server:
        """Listen on loopback, whatever the host."""
        if options.get("sock") is None:
            reserved = self._reserved.pop(int(port or 0), None)
            if reserved is not None:
                options.pop("family", None)
                return await super().create_server(protocol_factory, sock=reserved, **options)
            host, port = LOOPBACK, port or 0
        return await super().create_server(protocol_factory, host, port, **options)

    async def start_tls(self, *args: Any, **options: Any) -> asyncio.Transport | None:
        """Upgrade a connection; its timeouts are real seconds."""
        if options.get("ssl_handshake_timeout") is None:
            options["ssl_handshake_timeout"] = _HANDSHAKE_SECONDS * self._speed
        if options.get("ssl_shutdown_timeout") is None:
            options["ssl_shutdown_timeout"] = _TLS_SHUTDOWN_SECONDS * self._speed
        return await super().start_tls(*args, **options)
