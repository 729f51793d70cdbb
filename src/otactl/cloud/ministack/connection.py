"""The limits of a connection to the broker, by ``otactl.cloud.connection_limit``.

As on AWS, the connection ends with too many filters or slashes, RETAIN on a reserved topic, QoS 2,
too large a payload, or no packet within the keep alive (with the will, and the presence event
MQTT_KEEP_ALIVE_TIMEOUT). Too many messages are dropped, unacknowledged; too many bytes are delayed.
All in real seconds, whatever the speed of the cloud's clock. The connections of a certificate that
is no longer ACTIVE are closed. Shared subscriptions, which MiniStack would read as a filter of that
name, are refused. A job may be named ``get``, ``notify``, ``start-next`` or ``notify-next``.

Touched, in ``ministack.services.iot``: ``_WSSession.handle_packet``, ``send_bytes`` and
``_connack_properties``, ``_reserved_filter_subscribe_allowed``, ``_parse_jobs_topic`` and
``_handle_certificate`` are wrapped; ``_connected_clients`` is read; packets are parsed by
MiniStack's own readers.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from ministack.services import iot

from otactl.cloud.background import Background
from otactl.cloud.connection_limit import (
    BYTES_PER_SECOND,
    LEAST_KEEP_ALIVE_SECONDS,
    PUBLISHES_PER_SECOND,
    Allowance,
    keep_alive_seconds,
    publish_problem,
    subscribe_problem,
)
from otactl.cloud.ministack.answer import OK
from otactl.cloud.ministack.shape import Changes, require, require_source
from otactl.model.limits import KEEP_ALIVE_FACTOR

_SHARED = "$share/"
_JOB = re.compile(r"\$aws/things/([^/]+)/jobs/(get|start-next|notify|notify-next)/(get|update)")
#: MQTT 5 reason codes (section 2.4).
_KEEP_ALIVE_TIMEOUT, _QUOTA_EXCEEDED, _NOT_AUTHORIZED = 0x8D, 0x97, 0x87

_log = logging.getLogger("otactl.cloud.broker")


@dataclass(slots=True)
class _Connection:
    """The counts of a connection; times are real seconds.

    Attributes:
        heard_at: When its last packet arrived or was handled.
        asked: The keep alive that it requested, in seconds; None before CONNECT.
        dialled: The host name that the client used.
    """

    heard_at: float
    asked: int | None = None
    is_handling: bool = False
    dialled: str = ""
    messages: Allowance = field(default_factory=lambda: Allowance(PUBLISHES_PER_SECOND))
    inbound: Allowance = field(default_factory=lambda: Allowance(BYTES_PER_SECOND))
    outbound: Allowance = field(default_factory=lambda: Allowance(BYTES_PER_SECOND))


class ConnectionLimits:
    """See the module.

    Args:
        background: Polls for connections beyond their keep alive.
        rates: Whether messages and bytes per second are limited.
        least_keep_alive: In seconds; AWS's is 30.
    """

    def __init__(
        self,
        background: Background,
        *,
        rates: bool = True,
        least_keep_alive: int = LEAST_KEEP_ALIVE_SECONDS,
    ) -> None:
        self._background = background
        self._speed = background.speed
        self._rates = rates
        self._least_keep_alive = least_keep_alive

    def install(self, changes: Changes) -> None:
        """Install the limits."""
        session = iot._WSSession
        require_source(session.disconnect_reason, "return self._forced_disconnect_reason")

        @changes.around(session, "handle_packet", "self", "pkt_type", "flags", "body")
        async def handle_packet(handle: Any, session: Any, *packet: Any) -> bool:
            return await self._handle(handle, session, *packet)

        @changes.around(session, "send_bytes", "self", "b")
        async def send_bytes(send: Any, session: Any, b: bytes) -> None:
            if self._rates:
                await self._pause(self._of(session).outbound, len(b))
            await send(session, b)

        @changes.around(session, "_connack_properties", "self", "assigned_client_id")
        def connack_properties(properties: Any, session: Any, assigned: str | None) -> Any:
            asked = self._of(session).asked
            holds = keep_alive_seconds(asked or 0, self._least_keep_alive)
            reported = [] if asked == holds else [(iot.PROP_SERVER_KEEP_ALIVE, holds)]
            return [*properties(session, assigned), *reported]

        @changes.around(iot, "_handle_certificate", "method", "path", "body", "qp")
        def handle_certificate(handle: Any, method: str, path: str, *rest: Any) -> Any:
            answer = handle(method, path, *rest)
            certificate_id = path.rpartition("/")[2]
            record = iot._certificates.get(certificate_id)
            if method == "PUT" and answer[0] == OK and record["status"] != "ACTIVE":
                for session in list(iot._connected_clients.values()):
                    if session.certificate_id == certificate_id:
                        self._end(session, "AUTH_ERROR", _NOT_AUTHORIZED)
            return answer

        _change_topics(changes)
        self._background.repeat("the keep-alive check", self._end_silent, self._speed)

    def _now(self) -> float:
        """Real seconds."""
        return asyncio.get_running_loop().time() / self._speed

    def _of(self, session: Any) -> _Connection:
        found = session.__dict__.get("otactl_connection")
        if found is None:
            found = session.otactl_connection = _Connection(heard_at=self._now())
        return found  # type: ignore[no-any-return]  # kept in a foreign object

    async def _pause(self, allowance: Allowance, amount: int) -> None:
        wait = allowance.reserve(amount, self._now())
        if wait > 0:
            await asyncio.sleep(wait * self._speed)

    async def _handle(  # MiniStack's own parameters
        self, handle: Any, session: Any, pkt_type: int, flags: int, body: bytes
    ) -> bool:
        connection = self._of(session)
        try:
            problem = _problem(session, connection, pkt_type, flags, body)
        except (ValueError, IndexError):
            problem = None  # malformed; MiniStack itself answers it
        if problem is not None:
            _log.warning("the connection of %r is closed: %s", session._client_id, problem)
            await _leave(session, "CLIENT_ERROR", _QUOTA_EXCEEDED)
            return False
        is_publish = pkt_type == iot.PKT_PUBLISH
        if is_publish and self._rates and not connection.messages.take(self._now()):
            return True  # lost if QoS 0, and sent again by the client if QoS 1
        connection.is_handling = True
        try:
            goes_on = bool(await handle(session, pkt_type, flags, body))
        finally:
            connection.is_handling = False
            connection.heard_at = self._now()
        if self._rates:
            await self._pause(connection.inbound, len(body))
        return goes_on

    async def _end_silent(self) -> None:
        now = self._now()
        for session in list(iot._connected_clients.values()):
            connection = self._of(session)
            holds = keep_alive_seconds(connection.asked or 0, self._least_keep_alive)
            if not connection.is_handling and now - connection.heard_at > KEEP_ALIVE_FACTOR * holds:
                self._end(session, "MQTT_KEEP_ALIVE_TIMEOUT", _KEEP_ALIVE_TIMEOUT)

    def _end(self, session: Any, reason: str, code: int) -> None:
        async def end() -> None:
            await _leave(session, reason, code)
            await session._send({"type": "websocket.close", "code": 1000})
            await session.cleanup()

        self._background.run(f"the end of the connection of {session._client_id}", end())


def _change_topics(changes: Changes) -> None:
    require(iot._parse_jobs_topic("$aws/things/t/jobs/get/get") is None, "no job named get")

    @changes.around(iot, "_reserved_filter_subscribe_allowed")
    def subscribe_allowed(is_allowed: Any, topic_filter: str) -> bool:
        return not topic_filter.startswith(_SHARED) and bool(is_allowed(topic_filter))

    @changes.around(iot, "_parse_jobs_topic")
    def parse_jobs_topic(parse: Any, topic: str) -> Any:
        found = _JOB.fullmatch(topic)
        return parse(topic) if found is None else (found[1], found[3], found[2])


def _problem(
    session: Any, connection: _Connection, pkt_type: int, flags: int, body: bytes
) -> str | None:
    """Why a packet ends its connection; records the keep alive of a CONNECT.

    Raises:
        ValueError: The packet is malformed.
        IndexError: The same.
    """
    if pkt_type == iot.PKT_CONNECT:
        _, at = iot._read_string(body, 0)
        connection.asked = int.from_bytes(body[at + 2 : at + 4], "big")
        connection.dialled = iot.jobs_device_host.get()
    elif pkt_type == iot.PKT_PUBLISH:
        topic, at = iot._read_string(body, 0)
        qos = flags >> 1 & 3
        at += 2 if qos else 0
        if session.protocol_version == iot.MQTT_5:
            _, at = iot._decode_properties(body, at)
        return publish_problem(topic, len(body) - at, qos=qos, retain=bool(flags & 1))
    elif pkt_type == iot.PKT_SUBSCRIBE:
        at, filters = 2, []
        if session.protocol_version == iot.MQTT_5:
            _, at = iot._decode_properties(body, at)
        while at < len(body):
            topic_filter, at = iot._read_string(body, at)
            filters.append(topic_filter)
            at += 1
        return subscribe_problem(filters)
    return None


def dialled_host(session: Any) -> str:
    """The host name that a connection's client used; empty if unknown."""
    connection = session.__dict__.get("otactl_connection")
    return "" if connection is None else str(connection.dialled)


async def _leave(session: Any, reason: str, code: int) -> None:
    """Record why the broker ends a connection, and send an MQTT 5 client the reason."""
    session._forced_disconnect_reason = reason
    if session.protocol_version == iot.MQTT_5:
        await session.send_bytes(iot._make_disconnect(code))
