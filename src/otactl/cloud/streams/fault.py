"""The errors of the stream service, with the codes and HTTP statuses of the botocore model.

Over MQTT the same fault has another, shorter code (AWS IoT Developer Guide,
mqtt-based-file-delivery-in-devices; aws-facts G4).
"""

from __future__ import annotations

from enum import Enum


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
        existing: What ResourceAlreadyExistsException tells beside its message, by member.
    """

    def __init__(
        self, kind: FaultKind, message: str, *, existing: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.existing = existing
