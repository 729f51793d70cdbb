"""One device's MQTT connection over mutual TLS.

Clean session, QoS 0 for requests and for stream blocks, QoS 1 for messages from the jobs service
and for reports to shadows (ADR 0102): the device repeats every request until it is answered, so an
MQTT acknowledgement would only cost a message. The client id is the thing's name: IoT policies and
the jobs service identify the thing by it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import aiomqtt

from otactl.fleet.endpoint import DeviceTls, FleetEndpoint
from otactl.wire.mqtt_log import mqtt_logger

#: All errors of a connection, of the MQTT library and of the sockets.
CONNECTION_ERRORS = (aiomqtt.MqttError, OSError)

_TIMEOUT_SECONDS = 20.0
#: How long a cancelled connection may take to be established and closed.
_CLOSE_SECONDS = 6.0


class _MessageQueue:
    """Passes on each message at once, instead of storing it for an iterator.

    It has the methods of a queue that aiomqtt calls; a real queue takes 2.5 KiB per device.
    """

    __slots__ = ("_on_message",)

    def __init__(self, on_message: Callable[[str, bytes], None]) -> None:
        self._on_message = on_message

    def qsize(self) -> int:
        """Always 0."""
        return 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        payload = item.payload
        if isinstance(payload, bytes):
            self._on_message(item.topic.value, payload)

    async def get(self) -> aiomqtt.Message:
        """Wait until cancelled: no message is stored."""
        never: asyncio.Future[aiomqtt.Message] = asyncio.get_running_loop().create_future()
        return await never


class Connection:
    """A connection; open it, use it until ``lost`` returns, close it.

    Args:
        thing_name: The client id.
        on_message: Called with topic and payload of every message, in the event loop's thread.
        keepalive_seconds: 0 for no keep alive.
    """

    def __init__(
        self,
        endpoint: FleetEndpoint,
        thing_name: str,
        tls: DeviceTls,
        *,
        on_message: Callable[[str, bytes], None],
        keepalive_seconds: int,
    ) -> None:
        self._tls = tls
        self._client = aiomqtt.Client(
            endpoint.mqtt_host,
            endpoint.mqtt_port,
            identifier=thing_name,
            clean_session=True,
            keepalive=keepalive_seconds,
            timeout=_TIMEOUT_SECONDS,
            tls_context=tls,
            logger=mqtt_logger(),
            # aiomqtt calls it with maxsize.
            queue_type=cast("Any", lambda **_: _MessageQueue(on_message)),
        )

    async def open(self, *, at_least_once: tuple[str, ...], at_most_once: tuple[str, ...]) -> None:
        """Connect and subscribe.

        Raises:
            aiomqtt.MqttError: The broker refused, or did not answer.
            OSError: The broker is unreachable, or its certificate is not trusted.
        """
        await self._connect()
        try:
            # One packet for all: AWS IoT allows eight filters in a SUBSCRIBE; there are six.
            granted = await self._client.subscribe(
                [(name, 1) for name in at_least_once] + [(name, 0) for name in at_most_once]
            )
            if any(getattr(code, "is_failure", False) for code in granted):
                raise aiomqtt.MqttError("a subscription was refused; does the policy allow it?")
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> None:
        """Connect; if cancelled midway, first wait for the connection and close it.

        The library connects in a thread, which cannot be stopped. A connection established after
        the cancellation would be closed by the garbage collector, after its loop has ended.
        """
        connecting = asyncio.ensure_future(self._client.__aenter__())
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            with contextlib.suppress(*CONNECTION_ERRORS, TimeoutError):
                await asyncio.wait_for(connecting, _CLOSE_SECONDS)
                await self.close()
            raise

    async def publish(self, topic: str, payload: bytes, *, at_least_once: bool = False) -> None:
        """Send a message; with ``at_least_once`` (QoS 1) wait for its acknowledgement.

        Raises:
            aiomqtt.MqttError: The connection is lost.
        """
        await self._client.publish(topic, payload, qos=int(at_least_once))

    async def lost(self) -> None:
        """Return when the connection is lost."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            async for _ in self._client.messages:
                pass

    def cut(self) -> None:
        """Break the connection as a lost link does."""
        with contextlib.suppress(OSError):
            self._tls.cut()

    async def close(self) -> None:
        """Disconnect from the broker; harmless if the connection is lost."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._client.__aexit__(None, None, None)
            # Retrieve the error that ended it, or asyncio logs "exception was never retrieved".
            await self.lost()
        self._tls.forget_socket()
