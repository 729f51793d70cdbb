"""A connection to the page, with limits on the number of connections and their idle time.

The port is open to every program of this machine. A connection that sends no whole request, or
does not read its answer, is closed after a while; one above the limit is closed at once, so
that this process never runs out of file descriptors, which its calls to AWS need too.
"""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections open at once; a browser keeps six to a host, and one of them is a stream.
MAX_CONNECTIONS = 100


class BoundedConnection(H11Protocol):
    """A connection that is closed if it exceeds the number of connections, or is idle."""

    #: How long a connection may take, in seconds, to send its next request with all headers.
    request_seconds = 10.0
    #: How long a connection may not read an answer that is ready for it, in seconds.
    read_seconds = 30.0

    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, or close it at once."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the connection's timers."""
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the timer for the next request."""
        super().on_response_complete()
        self._await_request()

    def pause_writing(self) -> None:
        """Start the timer for reading the answer."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer for reading the answer."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def _await_request(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.request_seconds, self._give_up)

    def _give_up(self) -> None:
        """Close the connection, unless a request is being answered; its end restarts the timer.

        Single bytes do not extend the time, as they would with uvicorn's own timer.
        """
        # uvicorn's types do not say that there is no cycle before the first request.
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.transport.abort()


class PageServer(uvicorn.Server):
    """A server that ends at once: the pages were notified before, and have their data."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort open connections, such as one that does not read, then end.

        uvicorn itself would wait for them, and then write a traceback of the unfinished answer.
        """
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
