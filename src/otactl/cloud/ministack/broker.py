"""MiniStack's MQTT broker, called inside the process.

Touched: ``ministack.services.iot.broker_publish`` and ``broker_subscribe``, which MiniStack's own
source marks as the broker's public API. The public ways beside them are an MQTT client, which may
not publish on the topics AWS itself answers on, and HTTPS Publish, which costs several times as
much for each message (figures in ``docs/adr/0002-stream-service-beside-ministack.md``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack import asker
from otactl.cloud.scope import Scope


async def subscribe(
    scope: Scope, topic_filter: str, on_message: Callable[[str, bytes, Any], Awaitable[None]]
) -> None:
    """Hear every message of a topic filter in one account and region.

    Args:
        scope: The account and region.
        topic_filter: With MQTT's wildcards.
        on_message: Called with topic, payload and the connection that published (None if none
            did), inside that connection: while it waits, the publisher waits.
    """

    async def deliver(topic: str, payload: bytes, _qos: int) -> None:
        await on_message(topic, payload, asker.current_asker())

    await iot.broker_subscribe(*scope, topic_filter, deliver, granted_qos=1)


async def answer(scope: Scope, topic: str, payload: bytes, to: Any) -> None:
    """Publish an answer at QoS 0; returns when every receiver's connection has taken it.

    Args:
        scope: The account and region.
        topic: Of the answer.
        payload: The answer.
        to: The connection that asked: it gets the answer though it has not subscribed.
    """
    # Looked up at each call: the subscription index wraps it.
    await iot.broker_publish(*scope, topic, payload, qos=0)
    await asker.deliver_unsubscribed(to, topic, payload)
