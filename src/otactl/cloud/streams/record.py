"""What the service keeps of a stream."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """An object; of a version when the stream names one."""

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        version = f" (version {self.version})" if self.version else ""
        return f"s3://{self.bucket}/{self.key}{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectState:
    """What an object was when the stream first saw it; only those bytes are ever delivered."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFile:
    """One file of a stream, pinned to the content it had when the stream was made."""

    file_id: int
    location: S3Location
    state: ObjectState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream in one account and region.

    Attributes:
        sequence: Grows with each stream made; the order of ListStreams.
        created_at_ms: Epoch milliseconds.
    """

    stream_id: str
    arn: str
    version: int
    description: str | None
    files: tuple[StreamFile, ...]
    role_arn: str
    created_at_ms: int
    last_updated_at_ms: int
    sequence: int

    def file(self, file_id: int) -> StreamFile | None:
        """The file of that id, when the stream has one."""
        return next((file for file in self.files if file.file_id == file_id), None)
