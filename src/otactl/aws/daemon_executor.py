"""Runs what may block beside an event loop, in threads that nobody waits for at the end.

The standard library joins the threads of its executors before a program may end. A connection that
is never answered would keep a command for a minute after Ctrl-C.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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
