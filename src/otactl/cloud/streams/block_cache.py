"""Parts of firmware files, kept for as long as they fit.

A fleet that updates reads the same file at the same time: a part is fetched once and answered
from memory to everybody. What was not used for longest goes first when the bound is reached, and
a part that is being fetched is fetched once, however many ask for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable


class BlockCache:
    """See the module.

    Args:
        capacity_bytes: How much is kept at most. A single part larger than that is not kept.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.held_bytes = 0
        self.peak_bytes = 0
        self._chunks: OrderedDict[Hashable, bytes] = OrderedDict()
        self._pending: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        """The part of that key.

        Args:
            key: Says everything that decides the bytes, the object's version included.
            fetch: Gets it; what it raises reaches everybody who waits for it, and is not kept.
        """
        chunk = self._chunks.get(key)
        if chunk is not None:
            self._chunks.move_to_end(key)
            return chunk
        task = self._pending.get(key)
        if task is None:
            task = asyncio.create_task(self._fetch(key, fetch))
            self._pending[key] = task
        # Shielded: one who stops waiting must not take it from the others.
        return await asyncio.shield(task)

    async def _fetch(self, key: Hashable, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            chunk = await fetch()
        finally:
            del self._pending[key]
        self._keep(key, chunk)
        return chunk

    def _keep(self, key: Hashable, chunk: bytes) -> None:
        if len(chunk) > self.capacity_bytes:
            return
        while self.held_bytes + len(chunk) > self.capacity_bytes:
            _, dropped = self._chunks.popitem(last=False)
            self.held_bytes -= len(dropped)
        self._chunks[key] = chunk
        self.held_bytes += len(chunk)
        self.peak_bytes = max(self.peak_bytes, self.held_bytes)

    def clear(self) -> None:
        """Forget every part."""
        self._chunks.clear()
        self.held_bytes = 0
