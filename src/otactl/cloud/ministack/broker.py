"""MiniStack's MQTT broker, called inside the process; its answers go to the connection that asked.

- Jobs: to nobody else, subscribed or not, once (aws-facts F1 and O); at the QoS of the asker's
  subscription that matches, else at QoS 0. Neither rules nor other clients see them.
- Fleet provisioning: to nobody else, which MiniStack does; here also without a subscription.
- Shadows and stream data: to each subscriber, as documented, and to an asker that has not
  subscribed as well. AWS does not document the latter; its own OTA agent relies on it
  (aws-facts O).

Each delivery is subject to ``iot:Receive``, which MiniStack's ``deliver_to_client`` checks.

Touched, in ``ministack.services.iot``: ``broker_publish`` and ``broker_subscribe`` are called,
which MiniStack's own source marks as the broker's public API. The public ways beside them are an
MQTT client, which may not publish on the topics AWS itself answers on, and HTTPS Publish, which
costs several times as much for each message (``docs/adr/0002-stream-service-beside-ministack.md``).
``_WSSession.handle_packet`` is wrapped to remember who asks; ``_handle_jobs_publish``,
``_handle_shadow_publish`` and ``broker_publish`` to see what is an answer;
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

_asking: ContextVar[Any] = ContextVar("asking", default=None)
#: What sends the answers of the request under way.
_answering: ContextVar[Callable[..., Awaitable[None]] | None] = ContextVar(
    "answering", default=None
)

_log = logging.getLogger("otactl.cloud.broker")


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
        await on_message(topic, payload, _asking.get())

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
    await _deliver_unsubscribed(to, topic, payload)


def install(changes: Changes) -> None:
    """Put it in place."""
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
    def asked_by(asker: Any, *_: Any) -> AbstractContextManager[None]:
        return bound(_asking, asker)

    async def answer_of_jobs(*where: Any, **_: Any) -> None:
        _account_id, _region, topic, payload = where
        asker = _asking.get()
        if asker is not None:
            await _deliver(asker, topic, payload, max(_granted(asker, topic), default=0))

    async def answer_of_shadows(*where: Any, **options: Any) -> None:
        await publish(*where, **options)
        await _deliver_unsubscribed(_asking.get(), where[2], where[3])

    @changes.around(iot, "broker_publish", "account_id", "region", "topic", "payload")
    async def broker_publish(_: Any, *where: Any, **options: Any) -> None:
        send = _answering.get()
        if send is None or not where[2].endswith(("/accepted", "/rejected")):
            await publish(*where, **options)
            return
        # What a rule makes of this message is no answer.
        with bound(_answering, None):
            await send(*where, **options)

    changes.within(iot, "_handle_jobs_publish")(lambda *_: bound(_answering, answer_of_jobs))
    changes.within(iot, "_handle_shadow_publish")(lambda *_: bound(_answering, answer_of_shadows))


async def _deliver_unsubscribed(asker: Any, topic: str, payload: bytes) -> None:
    """Deliver an answer at QoS 0 to an asker that has not subscribed to its topic."""
    if asker is not None and not _granted(asker, topic):
        await _deliver(asker, topic, payload, 0)


async def _answer_provisioning(
    asker: Any, topic: str, operation: str, template_name: str | None, payload: bytes
) -> None:
    connection = {"clientId": asker._client_id}
    if asker._principal != asker.account_id:
        connection["claimCertificateId"] = asker._principal
    try:
        async with iot.publishing_events():
            kind, answer = await iot._fleet_provisioning_reply(
                asker.account_id, asker.region, operation, template_name, payload, connection
            )
    except Exception:  # noqa: BLE001  # as MiniStack does: the connection stays
        _log.warning("fleet provisioning failed on %r", topic, exc_info=True)
        return
    topic = f"{topic}/{kind}"
    await _deliver(
        asker, topic, json.dumps(answer).encode(), max(_granted(asker, topic), default=0)
    )


def _granted(asker: Any, topic: str) -> list[int]:
    """The QoS of each subscription of a connection that matches a topic."""
    return [
        asker._sub_granted_qos.get(subscription_id, 0)
        for subscription_id, topic_filter in asker._sub_filters.items()
        if iot._subscription_matches(topic_filter, topic)
    ]


async def _deliver(asker: Any, topic: str, payload: bytes, qos: int) -> None:
    if asker._cleaned_up:
        return  # gone meanwhile
    try:
        await asker.deliver_to_client(topic, payload, qos)
    except OSError as error:
        _log.info("the answer on %s was not delivered: %s", topic, error)
