"""MiniStack's MQTT broker, called inside the process; answers go to the requesting connection.

- Jobs: only to the requesting client, subscribed or not, once (aws-facts F1, O); at the QoS of its
  matching subscription, else at QoS 0. Neither rules nor other clients see them.
- Fleet provisioning: only to that client, as in MiniStack; here also without a subscription.
- Shadows and stream data: to each subscriber, as documented, and also to that client without a
  subscription. AWS does not document the latter; its own OTA agent relies on it (aws-facts O).

Each delivery is subject to ``iot:Receive``, which MiniStack's ``deliver_to_client`` checks.

Touched, in ``ministack.services.iot``: ``broker_publish`` and ``broker_subscribe`` are called,
which MiniStack's own source marks as the broker's public API. The other public interfaces are an
MQTT client, which may not publish on AWS's answer topics, and HTTPS Publish, which costs several
times as much per message (``docs/adr/0002-stream-service-beside-ministack.md``).
``_WSSession.handle_packet`` is wrapped to record that client; ``_handle_jobs_publish``,
``_handle_shadow_publish`` and ``broker_publish`` to recognise answers;
``_WSSession._answer_fleet_provisioning`` is replaced.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack.shape import Changes, bound, require_parameters, require_source
from otactl.cloud.scope import Scope

_client: ContextVar[Any] = ContextVar("client", default=None)
#: Sends the answers of the current request.
_answering: ContextVar[Callable[..., Awaitable[None]] | None] = ContextVar(
    "answering", default=None
)

_log = logging.getLogger("otactl.cloud.broker")


async def subscribe(
    scope: Scope, topic_filter: str, on_message: Callable[[str, bytes, Any], Awaitable[None]]
) -> None:
    """Subscribe to a topic filter in one account and region.

    Args:
        scope: The account and region.
        topic_filter: With MQTT's wildcards.
        on_message: Called with topic, payload and the publishing connection or None, inside that
            connection: while it waits, the publisher waits.
    """

    async def deliver(topic: str, payload: bytes, _qos: int) -> None:
        await on_message(topic, payload, _client.get())

    await iot.broker_subscribe(*scope, topic_filter, deliver, granted_qos=1)


async def answer(scope: Scope, topic: str, payload: bytes, to: Any) -> None:
    """Publish an answer at QoS 0; returns when it was sent on every receiver's connection.

    Args:
        scope: The account and region.
        topic: Of the answer.
        payload: The answer.
        to: The requesting connection; it gets the answer even without a subscription.
    """
    # Looked up at each call: the subscription index wraps it.
    await iot.broker_publish(*scope, topic, payload, qos=0)
    await _deliver_unsubscribed(to, topic, payload)


def install(changes: Changes) -> None:
    """Install it."""
    session = iot._WSSession
    require_parameters(session.deliver_to_client, "self", "topic", "payload", "qos")
    require_source(session.deliver_to_client, 'self._policy_allows("iot:Receive"')
    require_source(session._answer_fleet_provisioning, "_fleet_provisioning_reply(")
    require_source(iot._handle_shadow_publish, "await broker_publish(")
    changes.put(
        *(session, "_answer_fleet_provisioning", _answer_provisioning),
        *("self", "topic", "operation", "template_name", "payload"),
    )
    publish = iot.broker_publish

    @changes.within(session, "handle_packet", "self", "pkt_type", "flags", "body")
    def requested_by(client: Any, *_: Any) -> AbstractContextManager[None]:
        return bound(_client, client)

    async def answer_of_jobs(*where: Any, **_: Any) -> None:
        _account_id, _region, topic, payload = where
        client = _client.get()
        if client is not None:
            await _deliver(client, topic, payload, max(_granted(client, topic), default=0))

    async def answer_of_shadows(*where: Any, **options: Any) -> None:
        await publish(*where, **options)
        await _deliver_unsubscribed(_client.get(), where[2], where[3])

    @changes.around(iot, "broker_publish", "account_id", "region", "topic", "payload")
    async def broker_publish(_: Any, *where: Any, **options: Any) -> None:
        send = _answering.get()
        if send is None or not where[2].endswith(("/accepted", "/rejected")):
            await publish(*where, **options)
            return
        # A message that a topic rule publishes for this one is not an answer.
        with bound(_answering, None):
            await send(*where, **options)

    changes.within(iot, "_handle_jobs_publish")(lambda *_: bound(_answering, answer_of_jobs))
    changes.within(iot, "_handle_shadow_publish")(lambda *_: bound(_answering, answer_of_shadows))


async def _deliver_unsubscribed(client: Any, topic: str, payload: bytes) -> None:
    """Deliver an answer at QoS 0 to the requesting client if it has no matching subscription."""
    if client is not None and not _granted(client, topic):
        await _deliver(client, topic, payload, 0)


async def _answer_provisioning(
    client: Any, topic: str, operation: str, template_name: str | None, payload: bytes
) -> None:
    connection = {"clientId": client._client_id}
    if client._principal != client.account_id:
        connection["claimCertificateId"] = client._principal
    try:
        async with iot.publishing_events():
            kind, answer = await iot._fleet_provisioning_reply(
                *(client.account_id, client.region, operation, template_name, payload, connection)
            )
    except Exception:  # noqa: BLE001  # as MiniStack does: the connection stays
        _log.warning("fleet provisioning failed on %r", topic, exc_info=True)
        return
    topic = f"{topic}/{kind}"
    await _deliver(
        client, topic, json.dumps(answer).encode(), max(_granted(client, topic), default=0)
    )


def _granted(client: Any, topic: str) -> list[int]:
    """The QoS of each subscription of a connection that matches a topic."""
    return [
        client._sub_granted_qos.get(subscription_id, 0)
        for subscription_id, topic_filter in client._sub_filters.items()
        if iot._subscription_matches(topic_filter, topic)
    ]


async def _deliver(client: Any, topic: str, payload: bytes, qos: int) -> None:
    if client._cleaned_up:
        return  # disconnected meanwhile
    try:
        await client.deliver_to_client(topic, payload, qos)
    except OSError as error:
        _log.info("the answer on %s was not delivered: %s", topic, error)
