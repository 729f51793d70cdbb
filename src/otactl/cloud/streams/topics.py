"""Joins the stream service to the broker: hears requests, publishes answers.

It listens in an account and region from the first IoT request that comes from there over HTTP;
before that there can be neither a stream nor a device.
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
    """The broker, as far as the service needs it."""

    async def subscribe(
        self,
        scope: Scope,
        topic_filter: str,
        on_message: Callable[[str, bytes, Any], Awaitable[None]],
    ) -> None:
        """Hear every message of a topic filter in one account and region, and who sent it."""
        ...

    async def answer(self, scope: Scope, topic: str, payload: bytes, to: Any) -> None:
        """Publish, to the asker in any case; returns when the connections have taken it."""
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
        self._heard: set[Scope] = set()

    def listen_in(self, scope: Scope) -> None:
        """Hear the requests of an account and region, from now on."""
        if scope not in self._heard:
            self._heard.add(scope)
            self._background.run(f"the subscription to streams in {scope}", self._subscribe(scope))

    async def _subscribe(self, scope: Scope) -> None:
        async def on_message(topic_name: str, payload: bytes, asker: Any) -> None:
            await self._on_message(scope, topic_name, payload, asker)

        for topic_filter in REQUEST_FILTERS:
            await self._broker.subscribe(scope, topic_filter, on_message)

    async def _on_message(self, scope: Scope, topic_name: str, payload: bytes, asker: Any) -> None:
        topic = StreamTopic.parse(topic_name)
        if topic is None or topic.verb not in _REQUESTS:
            return  # the filters match the last level whatever it is

        async def answer() -> None:
            await self._answer(scope, topic, payload, asker)

        await self._mailboxes.put((scope, topic.thing_name), answer)

    async def _answer(self, scope: Scope, topic: StreamTopic, payload: bytes, asker: Any) -> None:
        answer_topics = {verb: str(topic.with_verb(verb)) for verb in _ANSWERS}
        try:
            async for verb, message in self._service.answer(scope, topic, payload):
                await self._broker.answer(scope, answer_topics[verb], message, asker)
        except Exception:  # noqa: BLE001  # logged, and answered
            # Whatever it is, the device must hear something, and the next request its answer.
            _log.exception("%s could not be answered", topic)
            rejected = StreamRejected(code="InternalError", message="see cloud.log")
            await self._broker.answer(
                scope,
                answer_topics[StreamVerb.REJECTED],
                encode_rejected(rejected, topic.payload_format),
                asker,
            )

    def forget(self) -> None:
        """The broker has dropped every subscription."""
        self._heard.clear()
