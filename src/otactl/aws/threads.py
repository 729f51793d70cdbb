"""Calls in threads: several at once, their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Calls submitted ahead per thread: enough to keep it busy, few enough that a list of a million
#: things never becomes a million futures.
_AHEAD_PER_THREAD = 4


def in_threads(
    function: Callable[[T], R], arguments: Iterable[T], *, threads: int, name: str
) -> Iterator[R]:
    """Call a function for each argument; the first failure ends it after the calls in progress.

    Args:
        threads: Concurrent calls.
        name: Prefix of the threads' names.
    """
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for argument in arguments:
                pending.append(pool.submit(function, argument))
                if len(pending) >= threads * _AHEAD_PER_THREAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
