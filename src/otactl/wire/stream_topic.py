"""The topics of MQTT file streams: ``$aws/things/{thing}/streams/{stream}/{verb}/{format}``.

A device publishes to ``describe`` and ``get``; the service answers on ``description``, ``data``
and ``rejected`` (AWS IoT Developer Guide, mqtt-based-file-delivery).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

#: The service's subscriptions: every request of every thing.
REQUEST_FILTERS = ("$aws/things/+/streams/+/get/+", "$aws/things/+/streams/+/describe/+")

_LEVELS = 7


class PayloadFormat(StrEnum):
    """The encoding of a payload: the last level of the topic."""

    JSON = "json"
    CBOR = "cbor"


class StreamVerb(StrEnum):
    """The kind of a message: a level of its topic."""

    DESCRIBE = "describe"
    DESCRIPTION = "description"
    GET = "get"
    DATA = "data"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class StreamTopic:
    """One parsed topic."""

    thing_name: str
    stream_id: str
    verb: StreamVerb
    payload_format: PayloadFormat

    @classmethod
    def parse(cls, topic: str) -> StreamTopic | None:
        """Parse a topic; None if it is not one of a stream."""
        levels = topic.split("/")
        if len(levels) != _LEVELS or levels[:2] != ["$aws", "things"] or levels[3] != "streams":
            return None
        try:
            return cls(levels[2], levels[4], StreamVerb(levels[5]), PayloadFormat(levels[6]))
        except ValueError:
            return None

    def with_verb(self, verb: StreamVerb) -> StreamTopic:
        """The same topic with another verb."""
        return replace(self, verb=verb)

    def __str__(self) -> str:
        return (
            f"$aws/things/{self.thing_name}/streams/{self.stream_id}"
            f"/{self.verb}/{self.payload_format}"
        )
