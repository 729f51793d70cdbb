"""How many MQTT messages an execution takes, as AWS meters them.

| rule | source |
|---|---|
| a message counts once per 5 KB, begun, of payload and topic | AWS IoT Core, additional metering |
| | details; aws-facts L |
| the PUBACK a device sends for a QoS 1 message counts as one; those of the service are free | L |
| the answers of the Jobs API are charged even when nobody subscribed | aws-facts L |
| one GetStream request brings at most 128 KB | aws-facts G4 |
| whether stream blocks are charged as ordinary messages is UNCONFIRMED; here they are | L |
"""

from __future__ import annotations

from otactl.forecast.profile import Delivery

METERED_BYTES = 5 * 1024
#: Topic and framing of a data message: ``$aws/things/{thing}/streams/{stream}/data/cbor``.
_OVERHEAD_BYTES = 160
_BYTES_PER_REQUEST = 128 * 1024
#: notify and notify-next when it is queued; start-next and its answer.
_MESSAGES_TO_START = 4
#: One update and its answer.
_MESSAGES_PER_REPORT = 2
#: notify and notify-next when it is over.
_MESSAGES_AFTER_END = 2


def metered(payload_bytes: int) -> int:
    """How often a message of this payload counts."""
    return -(-(payload_bytes + _OVERHEAD_BYTES) // METERED_BYTES)


def messages_per_download(delivery: Delivery, image_bytes: int) -> int:
    """Metered messages that carry one image to one thing over a stream."""
    whole, rest = divmod(image_bytes, delivery.block_bytes)
    blocks = whole + (rest > 0)
    at_a_time = min(delivery.blocks_per_request, max(1, _BYTES_PER_REQUEST // delivery.block_bytes))
    requests = -(-blocks // at_a_time)
    answers = whole * metered(_encoded(delivery, delivery.block_bytes))
    answers += metered(_encoded(delivery, rest)) if rest else 0
    return requests + answers + blocks * delivery.qos


def messages_per_execution(delivery: Delivery) -> int:
    """Metered messages of the Jobs topics for one execution that runs to its end."""
    reports = delivery.progress_reports + 1
    return _MESSAGES_TO_START + reports * _MESSAGES_PER_REPORT + _MESSAGES_AFTER_END


def _encoded(delivery: Delivery, block_bytes: int) -> int:
    return block_bytes if delivery.encoding == "cbor" else -(-block_bytes // 3) * 4
