"""A queue of requests for each thing: sequential for one thing, concurrent for different things.

A request arrives inside the connection of the device that published it. It is put into that
thing's mailbox and answered by a task of the mailbox, so the connection continues to read. A thing
that sends requests faster than it reads the answers fills its mailbox, and then its own connection
waits: the memory for one thing is bounded, and no thing blocks another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from otactl.cloud.background import Background

#: The most requests of one thing in its mailbox, including the one being answered.
DEPTH = 16

Request = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Mailbox:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DEPTH))
    waiting: deque[Request] = field(default_factory=deque)
    #: Requests that wait for a place, wait for their turn, or are being answered.
    claims: int = 0
    worker: asyncio.Task[None] | None = None


class Mailboxes:
    """See the module."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._boxes: dict[Hashable, _Mailbox] = {}

    def __len__(self) -> int:
        return len(self._boxes)

    async def put(self, owner: Hashable, request: Request) -> None:
        """Queue a request; waits while the owner's mailbox is full."""
        box = self._boxes.setdefault(owner, _Mailbox())
        box.claims += 1
        try:
            await box.free.acquire()
        except BaseException:  # the device's connection ended
            self._withdraw(owner, box)
            raise
        box.waiting.append(request)
        if box.worker is None:
            box.worker = self._background.run(f"the mailbox of {owner}", self._work(owner, box))

    async def _work(self, owner: Hashable, box: _Mailbox) -> None:
        while box.waiting:
            try:
                await self._background.watch(
                    f"a request in the mailbox of {owner}", box.waiting.popleft()()
                )
            finally:
                box.free.release()
                self._withdraw(owner, box)
        box.worker = None

    def _withdraw(self, owner: Hashable, box: _Mailbox) -> None:
        """Drop a request's claim, and a mailbox without any."""
        box.claims -= 1
        if box.claims == 0:
            del self._boxes[owner]
