"""What a codec raises when bytes from outside are not what they should be."""

from __future__ import annotations


class WireError(ValueError):
    """Raised when a payload cannot be read.

    Args:
        code: The error code AWS IoT gives for it, such as ``InvalidJson``.
        message: What was wrong with it.
        client_token: The sender's token when it could still be read, so that it can be answered.
    """

    def __init__(self, code: str, message: str, *, client_token: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.client_token = client_token
