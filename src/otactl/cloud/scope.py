"""The account and region of a request and of every AWS resource."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """One account in one region."""

    account_id: str
    region: str

    def arn(self, resource: str) -> str:
        """The ARN of one of its IoT resources, ``stream/NAME``."""
        return f"arn:aws:iot:{self.region}:{self.account_id}:{resource}"
