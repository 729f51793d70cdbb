"""Real in-memory implementations of what the stream service needs of the cloud."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from otactl.cloud.scope import Scope
from otactl.cloud.streams.file_reader import BlockCache, FileReader
from otactl.cloud.streams.record import FaultKind, ObjectState, S3Location, StreamFault, StreamFile
from otactl.cloud.streams.store import StreamStore

HERE = Scope("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/reader"


@dataclass
class MemoryObjects:
    """Objects by location; counts what is read."""

    contents: dict[S3Location, bytes] = field(default_factory=dict)
    reads: list[tuple[int, int]] = field(default_factory=list)
    polls: int = 0

    def _content(self, location: S3Location) -> bytes:
        if location not in self.contents:
            raise StreamFault(FaultKind.NOT_FOUND, f"{location} does not exist")
        return self.contents[location]

    async def state(self, _scope: Scope, location: S3Location) -> ObjectState:
        self.polls += 1
        content = self._content(location)
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return ObjectState(etag=etag, size_bytes=len(content))

    async def read(
        self, scope: Scope, location: S3Location, etag: str, start: int, length: int
    ) -> bytes:
        self.reads.append((start, length))
        if (await self.state(scope, location)).etag != etag:
            raise StreamFault(FaultKind.ETAG_MISMATCH, f"{location} is another")
        return self._content(location)[start : start + length]


@dataclass
class MemoryRoles:
    """Lets every role read, until it is told not to."""

    refuses: bool = False

    async def check(self, _scope: Scope, role_arn: str, _location: S3Location) -> None:
        if self.refuses:
            raise StreamFault(FaultKind.UNAUTHORIZED, f"{role_arn} may not read")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Cloud:
    """The stream service's inner parts over memory."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    roles: MemoryRoles = field(default_factory=MemoryRoles)
    clock: Clock = field(default_factory=Clock)
    store: StreamStore = field(default_factory=StreamStore)
    cache_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        self.reader = FileReader(self.objects, self.roles, BlockCache(self.cache_bytes), self.clock)

    async def make_stream(self, *contents: bytes, stream_id: str = "s") -> None:
        """A stream whose files 0, 1, … have these contents."""
        files = []
        for file_id, content in enumerate(contents):
            location = S3Location(bucket="b", key=f"{stream_id}/{file_id}")
            self.objects.contents[location] = content
            state = await self.reader.pin(HERE, ROLE, location)
            files.append(StreamFile(file_id=file_id, location=location, state=state))
        self.store.create(
            HERE,
            stream_id,
            files=tuple(files),
            role_arn=ROLE,
            description=None,
            now_ms=0,
        )
