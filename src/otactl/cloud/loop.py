"""The event loop of the server process: loopback only, and as fast as the cloud's clock.

MiniStack's MQTT listener asks for ``0.0.0.0`` whatever it is given (seen in 1.5.33). Nothing of
ours may listen beyond loopback, so this loop answers every request for a listener with one on
loopback; and the sockets that the parent reserved are handed out for their ports, so nobody can
take a port between the choosing and the listening.

Its clock runs at the cloud's speed (see ``clock``): ``time()`` goes faster, and the selector
waits accordingly shorter.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Iterable
from typing import Any

LOOPBACK = "127.0.0.1"
#: The defaults of asyncio, in real seconds: a handshake costs work, and work takes real time.
_HANDSHAKE_SECONDS = 60.0
_TLS_SHUTDOWN_SECONDS = 30.0


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
