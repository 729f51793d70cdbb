"""An MQTT client for a process that listens for hours and must exit at once.

aiomqtt does not close its socket when the handshake fails or is cancelled: a client that is refused
repeatedly would leak sockets (ADR 0405). It connects in a thread, and Python joins the threads of
an executor at exit: a connection without an answer would delay the exit after Ctrl-C by a minute.
"""

from __future__ import annotations

import functools
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import aiomqtt

from otactl.wire.mqtt_log import mqtt_logger

P = ParamSpec("P")
R = TypeVar("R")


class EventClient(aiomqtt.Client):
    """An ``aiomqtt.Client`` that closes the socket of a failed attempt to connect.

    Args:
        how: As for ``aiomqtt.Client``.
    """

    def __init__(self, host: str, port: int, **how: Any) -> None:
        super().__init__(host, port, logger=mqtt_logger(), **how)

    def _client_connect(self) -> None:
        # Runs in a thread, to its end even if the caller no longer waits: only this place sees
        # every failure.
        try:
            super()._client_connect()
        except BaseException as error:
            _close_sockets(error)
            raise


def _close_sockets(error: BaseException) -> None:
    """Close the sockets in the frames of an error's traceback: only the frames refer to them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for local in frame.f_locals.values():
            if isinstance(local, socket.socket):
                local.close()


class DaemonExecutor(ThreadPoolExecutor):
    """Starts a daemon thread for each call; the program may exit before it ends.

    It is a ``ThreadPoolExecutor`` because asyncio accepts no other default executor.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Call a function in a thread."""
        future: Future[R] = Future()
        call = functools.partial(fn, *args, **kwargs)
        threading.Thread(target=_run, args=(future, call), name="daemon", daemon=True).start()
        return future


def _run(future: Future[R], call: Callable[[], R]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        future.set_exception(error)
        # The error refers to this frame: without this, both wait for the garbage collector.
        del future
