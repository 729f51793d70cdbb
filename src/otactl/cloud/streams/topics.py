"""Connects the stream service to the broker: receives requests, publishes answers.

It subscribes in an account and region at the first IoT request for them over HTTP; before that
they can have neither a stream nor a device.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from otactl.cloud.background import Background
from otactl.cloud.scope import Scope
from otactl.cloud.streams.device import DeviceService
from otactl.cloud.streams.mailbox import Mailboxes
from otactl.wire.stream_payload import StreamRejected, encode_rejected
from otactl.wire.stream_topic import REQUEST_FILTERS, StreamTopic, StreamVerb

_REQUESTS = (StreamVerb.GET, StreamVerb.DESCRIBE)
_ANSWERS = (StreamVerb.DATA, StreamVerb.DESCRIPTION, StreamVerb.REJECTED)

_log = logging.getLogger("otactl.cloud.streams")


class Broker(Protocol):
    """The part of the broker that the service needs."""

    async def subscribe(
        self,
        scope: Scope,
        topic_filter: str,
        on_message: Callable[[str, bytes, Any], Awaitable[None]],
    ) -> None:
        """Subscribe in one account and region; ``on_message`` also gets the sender."""
        ...

    async def answer(self, scope: Scope, topic: str, payload: bytes, to: Any) -> None:
        """Publish, always to the connection ``to``; returns when it was sent to all receivers."""
        ...


class StreamTopics:
    """See the module."""

    def __init__(
        self, broker: Broker, service: DeviceService, mailboxes: Mailboxes, background: Background
    ) -> None:
        self._broker = broker
        self._background = background
        self._service = service
        self._mailboxes = mailboxes
        self._subscribed: set[Scope] = set()

    def listen_in(self, scope: Scope) -> None:
        """Subscribe to the requests of an account and region, once."""
        if scope not in self._subscribed:
            self._subscribed.add(scope)
            self._background.run(f"the subscription to streams in {scope}", self._subscribe(scope))

    async def _subscribe(self, scope: Scope) -> None:
        async def on_message(topic_name: str, payload: bytes, client: Any) -> None:
            await self._on_message(scope, topic_name, payload, client)

        for topic_filter in REQUEST_FILTERS:
            await self._broker.subscribe(scope, topic_filter, on_message)

    async def _on_message(self, scope: Scope, topic_name: str, payload: bytes, client: Any) -> None:
        topic = StreamTopic.parse(topic_name)
        if topic is None or topic.verb not in _REQUESTS:
            return  # the filters match any payload format

        async def answer() -> None:
            await self._answer(scope, topic, payload, client)

        await self._mailboxes.put((scope, topic.thing_name), answer)

    async def _answer(self, scope: Scope, topic: StreamTopic, payload: bytes, client: Any) -> None:
        answer_topics = {verb: str(topic.with_verb(verb)) for verb in _ANSWERS}
        try:
            async for verb, message in self._service.answer(scope, topic, payload):
                await self._broker.answer(scope, answer_topics[verb], message, client)
        except Exception:  # noqa: BLE001  # logged, and answered
            # The device must get an answer after any error, and so must the next request.
            _log.exception("%s could not be answered", topic)
            rejected = StreamRejected(code="InternalError", message="see cloud.log")
            await self._broker.answer(
                scope,
                answer_topics[StreamVerb.REJECTED],
                encode_rejected(rejected, topic.payload_format),
                client,
            )

    def forget(self) -> None:
        """Subscribe again on the next request: the broker has dropped every subscription."""
        self._subscribed.clear()
