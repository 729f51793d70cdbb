"""The error that a codec raises for bytes from outside that it cannot read."""

from __future__ import annotations


class WireError(ValueError):
    """Raised when a payload cannot be read.

    Args:
        code: AWS IoT's error code for it, such as ``InvalidJson``.
        message: What is wrong.
        client_token: The sender's token for the answer; None if it could not be read.
    """

    def __init__(self, code: str, message: str, *, client_token: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.client_token = client_token
