"""A line to the local cloud that a test can cut: a TCP proxy on loopback.

It tells a connection to the broker (an upgrade of ``/mqtt``) from calls to the API by its first
bytes, so that either can be cut, or left without an answer, without the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PIECE = 65536
_BROKER = b"GET /mqtt"
_MAX_WAIT_SECONDS = 30


class CuttableProxy:
    """A proxy in front of an endpoint. Use as a context manager.

    Args:
        endpoint_url: Where it leads.
    """

    def __init__(self, endpoint_url: str) -> None:
        location = urlsplit(endpoint_url)
        self._target = (location.hostname, location.port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: dict[asyncio.StreamWriter, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refuses = {True: False, False: False}
        self._stalls = {True: False, False: False}
        self._stalled = 0
        self.broker_connections = 0
        self.endpoint_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self.endpoint_url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, *, broker: bool) -> None:
        """Cut every connection of a kind, and let none in until it is mended."""
        self._refuses[broker] = True
        self._await(self._drop(broker=broker))

    def mend(self, *, broker: bool) -> None:
        """Let connections of a kind in again."""
        self._refuses[broker] = False

    def stall(self, *, broker: bool) -> None:
        """Cut every connection of a kind; those that follow are taken, and nobody answers."""
        self._stalls[broker] = True
        self._await(self._drop(broker=broker))

    def wait_until_stalled(self, connections: int) -> None:
        """Wait until so many connections wait for an answer in vain."""
        until = time.monotonic() + _MAX_WAIT_SECONDS
        while self._stalled < connections:
            assert time.monotonic() < until, "nobody connected"
            time.sleep(0.02)

    def _await(self, awaitable):
        async def run():
            return await awaitable

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        await self._drop(broker=True)
        await self._drop(broker=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drop(self, *, broker: bool) -> None:
        for writer, is_broker in list(self._open.items()):
            if is_broker is broker:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            self._open.pop(writer, None)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(_PIECE)
        is_broker = first.startswith(_BROKER)
        if not first or self._refuses[is_broker]:
            return
        if self._stalls[is_broker]:
            self._stalled += 1
            await reader.read()
            return
        self.broker_connections += is_broker
        self._open[writer] = is_broker
        their_reader, their_writer = await asyncio.open_connection(*self._target)
        their_writer.write(first)
        try:
            await asyncio.gather(self._copy(reader, their_writer), self._copy(their_reader, writer))
        finally:
            their_writer.transport.abort()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
