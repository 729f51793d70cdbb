"""Reads ranges of the files of streams, always of the pinned object.

The ETag and size of an object are pinned when its stream is created. Ranges are read in chunks with
that ETag as a condition, through a bounded cache. At most once a second for each file, it is
checked that the object is unchanged and the stream's role may still read it: a change is noticed
soon, and a fleet of thousands does not cause thousands of checks. Within that second the pinned
bytes may still be delivered, never others.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from otactl.cloud.scope import Scope
from otactl.cloud.streams.record import (
    FaultKind,
    ObjectState,
    S3Location,
    Stream,
    StreamFault,
    StreamFile,
)
from otactl.wire.stream_payload import MAX_FILE_SIZE

CHUNK_BYTES = 512 * 1024
#: Real seconds for which a checked object counts as unchanged.
CHECK_SECONDS = 1.0
_MANY_CHECKS = 1000


class ObjectStore(Protocol):
    """The store of the objects. Every method raises StreamFault with the caller's error."""

    async def state(self, scope: Scope, location: S3Location) -> ObjectState:
        """The current state of the object."""
        ...

    async def read(
        self, scope: Scope, location: S3Location, etag: str, start: int, length: int
    ) -> bytes:
        """A range of the object, if it still has that ETag."""
        ...


class RoleGate(Protocol):
    """Checks whether the service may read an object for a stream."""

    async def check(self, scope: Scope, role_arn: str, location: S3Location) -> None:
        """Raise StreamFault if AWS IoT may not assume the role, or the role may not read."""
        ...


class BlockCache:
    """A bounded cache of parts of firmware files.

    A fleet that updates reads the same file at the same time: a part is fetched once for all
    concurrent requests, and then answered from memory. When the cache is full, the least recently
    used part is removed.

    Args:
        capacity_bytes: The size of the cache. A part larger than that is not cached.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.fetches = 0
        self.held_bytes = 0
        self.peak_bytes = 0
        self._chunks: OrderedDict[Hashable, bytes] = OrderedDict()
        self._pending: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        """The part with that key.

        Args:
            key: Everything that determines the bytes, including the object's version.
            fetch: Gets the part; its error is raised for all who wait for it, and not cached.
        """
        chunk = self._chunks.get(key)
        if chunk is not None:
            self._chunks.move_to_end(key)
            return chunk
        task = self._pending.get(key)
        if task is None:
            task = asyncio.create_task(self._fetch(key, fetch))
            self._pending[key] = task
        # Shielded: a cancelled caller must not cancel the fetch for the others.
        return await asyncio.shield(task)

    async def _fetch(self, key: Hashable, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            self.fetches += 1
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
        """Remove every part."""
        self._chunks.clear()
        self.held_bytes = 0


@dataclass(slots=True)
class _Check:
    task: asyncio.Task[None]
    good_until: float


class FileReader:
    """See the module.

    Args:
        monotonic: Real seconds.
    """

    def __init__(
        self,
        objects: ObjectStore,
        roles: RoleGate,
        cache: BlockCache,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = cache
        self._objects = objects
        self._roles = roles
        self._monotonic = monotonic
        self._checks: dict[tuple[object, ...], _Check] = {}

    async def pin(self, scope: Scope, role_arn: str, location: S3Location) -> ObjectState:
        """The current state of an object, for a new stream.

        Raises:
            StreamFault: It does not exist, may not be read, or is too large for a stream.
        """
        await self._roles.check(scope, role_arn, location)
        state = await self._objects.state(scope, location)
        if state.size_bytes > MAX_FILE_SIZE:
            raise StreamFault(
                FaultKind.LIMIT_EXCEEDED,
                f"{location} has {state.size_bytes} bytes; a stream delivers at most "
                f"{MAX_FILE_SIZE}",
            )
        return state

    async def check(self, scope: Scope, stream: Stream, file: StreamFile) -> None:
        """Check that the file may still be delivered.

        Raises:
            StreamFault: The object changed or was deleted, or may no longer be read.
        """
        key = (scope, stream.role_arn, file.location, file.state.etag)
        known = self._checks.get(key)
        if known is None or (known.task.done() and self._monotonic() >= known.good_until):
            if len(self._checks) > _MANY_CHECKS:
                self._forget_old_checks()
            task = asyncio.create_task(self._check_now(scope, stream.role_arn, file))
            known = self._checks[key] = _Check(task, self._monotonic() + CHECK_SECONDS)
        await asyncio.shield(known.task)

    async def _check_now(self, scope: Scope, role_arn: str, file: StreamFile) -> None:
        await self._roles.check(scope, role_arn, file.location)
        state = await self._objects.state(scope, file.location)
        if state.etag != file.state.etag:
            raise StreamFault(
                FaultKind.ETAG_MISMATCH,
                f"{file.location} is not the object it was when the stream was made",
            )

    async def read(self, scope: Scope, file: StreamFile, start: int, length: int) -> bytes:
        """Bytes of the file, shorter only at its end.

        Raises:
            StreamFault: The object changed, was deleted, or cannot be read.
        """
        end = min(start + length, file.state.size_bytes)
        first, last = start // CHUNK_BYTES, max(start, end - 1) // CHUNK_BYTES
        if first == last:
            # The usual case: the sizes of blocks and chunks are powers of two.
            chunk = await self._chunk(scope, file, first)
            return chunk[start - first * CHUNK_BYTES : end - first * CHUNK_BYTES]
        parts = [await self._chunk(scope, file, index) for index in range(first, last + 1)]
        return b"".join(parts)[start - first * CHUNK_BYTES : end - first * CHUNK_BYTES]

    async def _chunk(self, scope: Scope, file: StreamFile, index: int) -> bytes:
        start = index * CHUNK_BYTES
        length = min(CHUNK_BYTES, file.state.size_bytes - start)

        async def fetch() -> bytes:
            return await self._objects.read(scope, file.location, file.state.etag, start, length)

        return await self.cache.get((scope, file.location, file.state.etag, index), fetch)

    def _forget_old_checks(self) -> None:
        now = self._monotonic()
        for key, known in list(self._checks.items()):
            if known.task.done() and now >= known.good_until:
                del self._checks[key]

    def clear(self) -> None:
        """Clear the cache and the checks."""
        self._checks.clear()
        self.cache.clear()
