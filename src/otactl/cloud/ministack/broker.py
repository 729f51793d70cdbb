"""MiniStack's MQTT broker, called inside the process.

Touched: ``ministack.services.iot.broker_publish`` and ``broker_subscribe``, which MiniStack's own
source marks as the broker's public API. The public ways beside them are an MQTT client, which may
not publish on the topics AWS itself answers on, and HTTPS Publish, which costs several times as
much for each message (figures in ``docs/adr/0002-stream-service-beside-ministack.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import iot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from otactl.cloud.scope import Scope


async def subscribe(
    scope: Scope, topic_filter: str, on_message: Callable[[str, bytes], Awaitable[None]]
) -> None:
    """Hear every message of a topic filter in one account and region.

    Args:
        scope: The account and region.
        topic_filter: With MQTT's wildcards.
        on_message: Called with topic and payload, inside the publisher's connection: while it
            waits, the publisher waits.
    """

    async def deliver(topic: str, payload: bytes, _qos: int) -> None:
        await on_message(topic, payload)

    await iot.broker_subscribe(scope.account_id, scope.region, topic_filter, deliver, granted_qos=1)


async def publish(scope: Scope, topic: str, payload: bytes) -> None:
    """Publish at QoS 0; returns when every subscriber's connection has taken the message."""
    # Looked up at each call: the subscription index wraps it.
    await iot.broker_publish(scope.account_id, scope.region, topic, payload, qos=0)
