"""A watch's queue of messages: events, requests to poll and to stop, posted from any thread."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from otactl.errors import Interrupted
from otactl.monitor.ports import Message

#: The most messages returned at once: the others wait, so that polls are not delayed.
_BATCH = 2000


class MessageQueue:
    """The messages of a watch (``monitor.ports.MessageSource``).

    Args:
        speed: Seconds of the watch's clock per second of the wall's.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._messages: queue.SimpleQueue[Message | Interrupted] = queue.SimpleQueue()

    def post(self, message: Message) -> None:
        """Post a message; None requests a poll."""
        self._messages.put(message)

    def stop(self) -> None:
        """Ask the watch to end."""
        self._messages.put(Interrupted())

    def receive(self, timeout_seconds: float) -> Sequence[Message]:
        """The messages received, in order; waits for the first if there is none yet."""
        received: list[Message] = []
        try:
            received.append(self._open(self._messages.get(timeout=timeout_seconds / self._speed)))
            while len(received) < _BATCH:
                received.append(self._open(self._messages.get_nowait()))
        except queue.Empty:
            pass
        return received

    @staticmethod
    def _open(message: Message | Interrupted) -> Message:
        if isinstance(message, Interrupted):
            raise message
        return message
