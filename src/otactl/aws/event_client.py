"""An MQTT client for a process that listens for hours, and ends at once.

The library below opens a socket, and forgets to close it when the handshake on it fails or is given
up: one that is refused again and again would collect them (ADR 0405). It connects in a thread, and
the standard library joins the threads of its executors before a program may end: a connection that
is never answered would keep a command for a minute after Ctrl-C.
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
    """An ``aiomqtt.Client``, whose attempts to connect close what they opened.

    Args:
        how: As for ``aiomqtt.Client``.
    """

    def __init__(self, host: str, port: int, **how: Any) -> None:
        super().__init__(host, port, logger=mqtt_logger(), **how)

    def _client_connect(self) -> None:
        # Runs in a thread, and to its end also when nobody waits for it any more: the only place
        # that sees every failure.
        try:
            super()._client_connect()
        except BaseException as error:
            _close_sockets(error)
            raise


def _close_sockets(error: BaseException) -> None:
    """Close the sockets of the calls that an error came through: nobody else knows them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for local in frame.f_locals.values():
            if isinstance(local, socket.socket):
                local.close()


class DaemonExecutor(ThreadPoolExecutor):
    """A thread of its own for each call; the program may end before they do.

    It is a ``ThreadPoolExecutor`` because asyncio takes no other as its default.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Call something in a thread."""
        future: Future[R] = Future()
        call = functools.partial(fn, *args, **kwargs)
        threading.Thread(target=_run, args=(future, call), name="leaving", daemon=True).start()
        return future


def _run(future: Future[R], call: Callable[[], R]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
        future.set_exception(error)
        # The error knows this frame: it and all that it holds would wait for the collector.
        del future
