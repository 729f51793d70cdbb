"""The record of a stream, and the errors of the service.

The errors have the codes and HTTP statuses of the botocore model. Over MQTT the same fault has
another, shorter code (AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices; aws-facts G4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """An object, of a certain version if the stream names one."""

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        version = f" (version {self.version})" if self.version else ""
        return f"s3://{self.bucket}/{self.key}{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectState:
    """An object's state when it was pinned; only those bytes are ever delivered."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFile:
    """One file of a stream, pinned to its content when the stream was created or updated."""

    file_id: int
    location: S3Location
    state: ObjectState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream in one account and region.

    Attributes:
        sequence: Increases with each new stream; the order of ListStreams.
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
        """The file with that id; None if the stream has none."""
        return next((file for file in self.files if file.file_id == file_id), None)


class FaultKind(Enum):
    """HTTP error code, HTTP status, code over MQTT."""

    INVALID_REQUEST = ("InvalidRequestException", 400, "InvalidRequest")
    UNAUTHORIZED = ("UnauthorizedException", 401, "Unauthorized")
    NOT_FOUND = ("ResourceNotFoundException", 404, "ResourceNotFound")
    ALREADY_EXISTS = ("ResourceAlreadyExistsException", 409, "InvalidRequest")
    LIMIT_EXCEEDED = ("LimitExceededException", 410, "InvalidRequest")
    ETAG_MISMATCH = ("InvalidRequestException", 400, "ETagMismatch")
    INTERNAL = ("InternalFailureException", 500, "InternalError")

    def __init__(self, http_code: str, http_status: int, mqtt_code: str) -> None:
        self.http_code = http_code
        self.http_status = http_status
        self.mqtt_code = mqtt_code


class StreamFault(Exception):
    """Raised when the service refuses a request.

    Args:
        existing: The other members of ResourceAlreadyExistsException, by name.
    """

    def __init__(
        self, kind: FaultKind, message: str, *, existing: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.existing = existing
