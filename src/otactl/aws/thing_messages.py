"""Describes a thing's messages in words, for people who watch the thing.

Read from topics to which another client may subscribe: notifications and presence on AWS, a
device's requests only on a local cloud (aws-facts F1). The content is not trusted, only displayed.
"""

from __future__ import annotations

from otactl.monitor.ports import ThingMessage
from otactl.wire.error import WireError
from otactl.wire.job_payload import decode_execution_answer, load_object
from otactl.wire.stream_payload import GetStreamRequest, decode_bitmap, decode_get_request
from otactl.wire.stream_topic import StreamTopic, StreamVerb

#: Followed by a client id, which is the thing's name if devices follow AWS's advice.
PRESENCE = ("$aws/events/presence/connected", "$aws/events/presence/disconnected")
_THINGS = "$aws/things/"


def requests_of(thing_name: str) -> tuple[str, ...]:
    """The topic filters of a thing's requests to the service."""
    base = f"{_THINGS}{thing_name}"
    return (
        f"{base}/jobs/start-next",
        f"{base}/jobs/+/update",
        f"{base}/streams/+/get/+",
        f"{base}/streams/+/describe/+",
    )


def thing_messages(topic: str, payload: bytes, now_ms: int) -> ThingMessage | None:
    """The description of a message, or None if there is nothing to show.

    Raises:
        WireError: The payload is not valid for the topic.
    """
    for connected, prefix in zip((True, False), PRESENCE, strict=True):
        if topic.startswith(f"{prefix}/"):
            name = topic.removeprefix(f"{prefix}/")
            return ThingMessage(
                thing_name=name,
                at_ms=now_ms,
                words="connected" if connected else "disconnected",
                connected=connected,
            )
    if not topic.startswith(_THINGS):
        return None
    name, _, rest = topic.removeprefix(_THINGS).partition("/")
    words = _words(topic, rest, payload)
    return None if words is None else ThingMessage(thing_name=name, at_ms=now_ms, words=words)


def _words(topic: str, rest: str, payload: bytes) -> str | None:
    match rest.split("/"):
        case ["jobs", "notify-next"]:
            execution, _ = decode_execution_answer(payload)
            return (
                "has nothing to do" if execution is None else f"notified of job {execution.job_id}"
            )
        case ["jobs", "start-next"]:
            return "asked for its next job"
        case ["jobs", _, "update"]:
            status = str(load_object(payload).get("status", ""))[:20]
            return f"reported {status}"
        case ["streams", *_]:
            return _stream_words(topic, payload)
    return None


def _stream_words(topic: str, payload: bytes) -> str | None:
    parsed = StreamTopic.parse(topic)
    if parsed is None:
        return None
    if parsed.verb is StreamVerb.DESCRIBE:
        return "asked what the stream holds"
    if parsed.verb is not StreamVerb.GET:
        return None
    try:
        return _block_words(decode_get_request(payload, parsed.payload_format))
    except WireError:
        return "sent an invalid request for blocks"


def _block_words(request: GetStreamRequest) -> str:
    if request.bitmap is not None:
        wanted = list(decode_bitmap(request.bitmap, request.block_offset))
        if not wanted:
            return "asked for no block"
        return f"asked for {len(wanted)} blocks from {wanted[0]} to {wanted[-1]}"
    first = request.block_offset
    if request.block_count in (None, 1):
        return f"asked for block {first}"
    return f"asked for blocks {first} to {first + (request.block_count or 1) - 1}"
