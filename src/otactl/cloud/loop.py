"""The cloud's clock, the same as ours or a faster one, and the event loop that keeps it.

A rollout of AWS IoT Jobs releases things once a minute and a timeout takes at least one; to
rehearse an hour in two minutes, the whole server process lives in a faster time. That needs no
private part of MiniStack: ``time.time`` is replaced before MiniStack is imported, and the event
loop's own clock and its waiting run at the same speed, so ``asyncio.sleep(60)`` takes
``60 / speed`` seconds of ours.

Not scaled, on purpose: ``time.monotonic`` and ``time.sleep`` (worker threads and Lambda measure
real work with them) and ``datetime.now`` and ``time.gmtime`` (signatures of requests carry the
caller's real time; what S3 says of an object's age is not part of a rollout).

The loop is on loopback only. MiniStack's MQTT listener asks for ``0.0.0.0`` whatever it is given
(seen in 1.5.33). Nothing of ours may listen beyond loopback, so this loop answers every request
for a listener with one on loopback; and the sockets that the parent reserved are handed out for
their ports, so nobody can take a port between the choosing and the listening.
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
    """Maps this machine's time to the cloud's; both show the same at the origin.

    Attributes:
        origin: Epoch seconds.
        speed: Seconds there for each second here.
    """

    origin: float
    speed: float

    def at(self, now: float) -> float:
        """What the cloud's clock shows when ours shows ``now`` (epoch seconds)."""
        return self.origin + (now - self.origin) * self.speed


def install_clock(clock: CloudClock) -> None:
    """Make ``time.time`` and ``time.time_ns`` of this process show the cloud's time.

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
    """Waits ``1 / speed`` of what it is asked to wait, because it is asked in cloud seconds."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / self._speed)


class CloudLoop(asyncio.SelectorEventLoop):
    """See the module.

    Args:
        speed: Loop seconds for each real second.
        reserved: Listening sockets on loopback, used for listeners that ask for their ports.
    """

    def __init__(self, speed: float = 1.0, reserved: Iterable[socket.socket] = ()) -> None:
        self._speed = speed
        self._started = time.monotonic()
        self._reserved = {sock.getsockname()[1]: sock for sock in reserved}
        super().__init__(_PacedSelector(speed))

    def time(self) -> float:
        """Seconds of the cloud's clock since some moment."""
        return self._started + (time.monotonic() - self._started) * self._speed

    async def create_server(
        self,
        protocol_factory: Any,
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> asyncio.Server:
        """Listen on loopback, whatever host is asked for."""
        if options.get("sock") is None:
            reserved = self._reserved.pop(int(port or 0), None)
            if reserved is not None:
                options.pop("family", None)
                return await super().create_server(protocol_factory, sock=reserved, **options)
            host, port = LOOPBACK, port or 0
        return await super().create_server(protocol_factory, host, port, **options)

    async def start_tls(self, *args: Any, **options: Any) -> asyncio.Transport | None:
        """Upgrade a connection, with time limits that hold in real seconds."""
        if options.get("ssl_handshake_timeout") is None:
            options["ssl_handshake_timeout"] = _HANDSHAKE_SECONDS * self._speed
        if options.get("ssl_shutdown_timeout") is None:
            options["ssl_shutdown_timeout"] = _TLS_SHUTDOWN_SECONDS * self._speed
        return await super().start_tls(*args, **options)
