"""Serves the page: on loopback, with a token, in its own thread."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otactl.errors import LocalResourceMissing, UserMistake

if TYPE_CHECKING:
    import uvicorn

    from otactl.monitor.board import Board
    from otactl.operations.watch.actions import WatchActions

_HOST = "127.0.0.1"
#: The length of a token that cannot be guessed.
_TOKEN_BYTES = 24
_START_SECONDS = 10.0
#: Connections that may wait before one of them can be accepted or closed.
_BACKLOG = 32
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: The time, beyond that of their last requests, until all pages know of the end.
_END_SECONDS = 3.0


@contextmanager
def serving_page(board: Board, actions: WatchActions, port: int) -> Iterator[str]:
    """Serve the page during the block.

    Args:
        port: 0 takes a free one.

    Yields:
        Its address, with the token in it.

    Raises:
        UserMistake: The packages of the page are not installed.
        LocalResourceMissing: The port is taken.
    """
    try:
        import uvicorn

        from otactl.views.page.app import LAST_SECONDS, build_page
        from otactl.views.page.connection import BoundedConnection, PageServer
        from otactl.views.page.guard import Guard
        from otactl.views.page.page_shutdown import PageShutdown
    except ImportError as error:
        raise UserMistake(
            f"the page needs {error.name}, which is not installed",
            hint="python3 -m pip install 'otactl[web]'",
        ) from error
    listener = _listen(port)
    location = f"{_HOST}:{listener.getsockname()[1]}"
    page_shutdown = PageShutdown()
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    guard = Guard(
        build_page(board, actions, page_shutdown),
        token,
        hosts=(location, location.replace(_HOST, "localhost")),
    )
    config = uvicorn.Config(
        guard,
        http=BoundedConnection,
        ws="none",
        backlog=_BACKLOG,
        access_log=False,  # its lines would hold the token
        log_level="error",  # a warning would be about requests of other programs
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = PageServer(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server, listener)), name="page", daemon=True
    )
    thread.start()
    try:
        _await_start(server, thread)
        yield f"http://{location}/{token}/"
    finally:
        # Open pages are notified first, so that they do not see it as a lost connection.
        page_shutdown.announce(LAST_SECONDS + _END_SECONDS)
        server.should_exit = True
        thread.join(_START_SECONDS)
        listener.close()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.get_running_loop().set_exception_handler(_FaultHandler())
    await server.serve([listener])


class _FaultHandler:
    """Reports once, in a line, that no connection can be accepted; asyncio itself retries."""

    def __init__(self) -> None:
        self._is_reported = False

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _NO_DESCRIPTORS:
            loop.default_exception_handler(context)
        elif not self._is_reported:
            self._is_reported = True
            # Not by a console: rich may have to open a file for that.
            sys.stderr.write(
                f"warning: the page cannot take more connections: {error.strerror};"
                " close some, or raise `ulimit -n`\n"
            )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        raise LocalResourceMissing(
            f"port {port} cannot be used for the page: {error.strerror}",
            hint="choose another --port, or 0 for a free one",
        ) from error
    listener.listen()
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(_START_SECONDS / 0.05)):
        if server.started:
            return
        if not thread.is_alive():
            break
        waited.wait(0.05)
    raise LocalResourceMissing("the page could not be started")
