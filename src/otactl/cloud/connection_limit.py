"""Limits of AWS IoT Core's message broker for a connection. Pure; seconds are real ones.

| rule | source |
|---|---|
| keep alive: 30 s to 1,200 s, 1,200 s for 0; closed after 1.5 times that without a packet | |
| | AWS IoT Core quotas; MQTT 3.1.1, 3.1.2.10; aws-facts O |
| 8 filters in a SUBSCRIBE; 7 slashes in a topic or filter, without Basic Ingest's first 3 | |
| | AWS IoT Core quotas; aws-facts O |
| 128 KB of payload; 100 PUBLISH a second inbound; 512 KiB a second each way | aws-facts A9 |
| no RETAIN on reserved topics (``$…``) | Developer Guide, mqtt retained messages |
| no PUBLISH with QoS 2 | Developer Guide, mqtt-differences |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_KEEP_ALIVE_SECONDS = 30
_MOST_KEEP_ALIVE_SECONDS = 1200
PUBLISHES_PER_SECOND = 100
BYTES_PER_SECOND = 512 * 1024
_MAX_FILTERS = 8
_MOST_QOS = 1
_MAX_SLASHES = 7
_MAX_PAYLOAD_BYTES = 128 * 1024
_ROUNDING = 1e-6
_BASIC_INGEST, _BASIC_INGEST_SLASHES = "$aws/rules/", 3


def keep_alive_seconds(asked: int, least: int = LEAST_KEEP_ALIVE_SECONDS) -> int:
    """The keep alive in force for a client that requested ``asked`` seconds."""
    if asked == 0:
        return _MOST_KEEP_ALIVE_SECONDS
    return min(max(asked, least), _MOST_KEEP_ALIVE_SECONDS)


def publish_problem(topic: str, payload_bytes: int, *, qos: int, retain: bool) -> str | None:
    """Why a message ends its connection; None if it is accepted."""
    if qos > _MOST_QOS:
        return f"a message with QoS {qos}, which AWS IoT does not support"
    if retain and topic.startswith("$"):
        return "RETAIN on a reserved topic"
    if payload_bytes > _MAX_PAYLOAD_BYTES:
        return f"a payload of {payload_bytes} bytes, more than {_MAX_PAYLOAD_BYTES}"
    return _slash_problem(topic)


def subscribe_problem(filters: Sequence[str]) -> str | None:
    """Why a subscription ends its connection; None if it is accepted."""
    if len(filters) > _MAX_FILTERS:
        return f"{len(filters)} filters in a SUBSCRIBE, more than {_MAX_FILTERS}"
    return next((problem for one in filters if (problem := _slash_problem(one))), None)


def _slash_problem(topic: str) -> str | None:
    excluded = _BASIC_INGEST_SLASHES if topic.lower().startswith(_BASIC_INGEST) else 0
    if topic.count("/") - excluded > _MAX_SLASHES:
        return f"{topic!r} with more than {_MAX_SLASHES} slashes"
    return None


@dataclass(slots=True)
class Allowance:
    """A rate limit with a burst of one second's amount."""

    per_second: float
    #: When everything taken so far would be used up at this rate.
    _used_until: float = 0.0

    def take(self, now: float) -> bool:
        """Take one unit; False if none is left."""
        used_until = max(self._used_until, now) + 1 / self.per_second
        if used_until - now > 1 + _ROUNDING:
            return False
        self._used_until = used_until
        return True

    def reserve(self, amount: float, now: float) -> float:
        """Take an amount even if it exceeds the rate.

        Returns:
            The seconds to wait.
        """
        self._used_until = max(self._used_until, now) + amount / self.per_second
        return max(0.0, self._used_until - now - 1)
