"""What becomes of events between the broker and a watch: the ways in which MQTT may treat them.

AWS promises neither that an event arrives once nor that events arrive in order (aws-facts F4), and
one that is published while nobody is connected is lost.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from otactl.wire.job_event import ExecutionEvent, JobEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.monitor.ports import Message

    Post = Callable[[Message], None]

#: How long a message is held back at most.
_HELD_SECONDS = 0.4
_HELD = 6


def as_it_comes(post: Post) -> Post:
    """Nothing happens to it."""
    return post


def some_lost(post: Post) -> Post:
    """Every third event of an execution never arrives."""
    seen = 0

    def deliver(message: Message) -> None:
        nonlocal seen
        seen += isinstance(message, ExecutionEvent)
        if not isinstance(message, ExecutionEvent) or seen % 3:
            post(message)

    return deliver


def doubled(post: Post) -> Post:
    """Every event arrives at once and once more, a little later."""

    def deliver(message: Message) -> None:
        post(message)
        if isinstance(message, ExecutionEvent | JobEvent):
            threading.Timer(_HELD_SECONDS, post, [message]).start()

    return deliver


def out_of_order(post: Post) -> Post:
    """Events arrive in bunches, the last one first."""
    held: list[Message] = []
    lock = threading.Lock()

    def release() -> None:
        with lock:
            bunch = held[::-1]
            held.clear()
        for message in bunch:
            post(message)

    def deliver(message: Message) -> None:
        if not isinstance(message, ExecutionEvent | JobEvent):
            post(message)
            return
        with lock:
            held.append(message)
            is_full = len(held) >= _HELD
        if is_full:
            release()
        else:
            threading.Timer(_HELD_SECONDS, release).start()

    return deliver


FATES = (as_it_comes, some_lost, doubled, out_of_order)
