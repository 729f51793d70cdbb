"""Calls in threads: several at once, their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Calls handed to the threads ahead of those that are done: enough to keep them busy, few enough
#: that a list of a million things is never held as a million futures.
_AHEAD_PER_THREAD = 4


def in_threads(
    function: Callable[[T], R], arguments: Iterable[T], *, threads: int, name: str
) -> Iterator[R]:
    """Call for each argument; the first failure ends it when those begun are done.

    Args:
        threads: Calls under way at once.
        name: Of the threads.
    """
    under_way: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for argument in arguments:
                under_way.append(pool.submit(function, argument))
                if len(under_way) >= threads * _AHEAD_PER_THREAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
