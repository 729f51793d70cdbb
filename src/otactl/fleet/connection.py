"""One device's MQTT connection over mutual TLS.

Clean session, QoS 0 for requests and for stream blocks, QoS 1 for what the jobs service sends and
for reports to shadows (ADR 0102): every request is repeated by the device until it is answered, so
that an acknowledgement below would only cost a message. The client id is the thing's name: IoT
policies and the service's own bookkeeping go by it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import aiomqtt

from otactl.fleet.endpoint import DeviceTls, FleetEndpoint
from otactl.wire.mqtt_log import mqtt_logger

#: What goes wrong with a connection, whatever the library that notices.
CONNECTION_ERRORS = (aiomqtt.MqttError, OSError)

_TIMEOUT_SECONDS = 20.0
#: How long a cancelled connection may take to come to stand and be closed.
_CLOSE_SECONDS = 6.0


class _MessageQueue:
    """Hands each message on the moment it arrives, instead of keeping it for an iterator.

    Of a queue it has what aiomqtt uses; a real one would take 2.5 KiB for each device.
    """

    __slots__ = ("_on_message",)

    def __init__(self, on_message: Callable[[str, bytes], None]) -> None:
        self._on_message = on_message

    def qsize(self) -> int:
        """Nothing is kept."""
        return 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        payload = item.payload
        if isinstance(payload, bytes):
            self._on_message(item.topic.value, payload)

    async def get(self) -> aiomqtt.Message:
        """Wait until cancelled: no message is left for an iterator."""
        never: asyncio.Future[aiomqtt.Message] = asyncio.get_running_loop().create_future()
        return await never


class Connection:
    """A connection; open it, use it until ``lost`` returns, close it.

    Args:
        thing_name: The client id.
        on_message: Gets topic and payload of every message, in the event loop's thread.
        keepalive_seconds: 0 for none.
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
            OSError: There is no way to it, or its certificate is not trusted.
        """
        await self._connect()
        try:
            # One packet for all: AWS IoT takes eight filters in a SUBSCRIBE, and six are asked for.
            granted = await self._client.subscribe(
                [(name, 1) for name in at_least_once] + [(name, 0) for name in at_most_once]
            )
            if any(getattr(code, "is_failure", False) for code in granted):
                raise aiomqtt.MqttError("a subscription was refused; does the policy allow it?")
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> None:
        """Connect; cancelled midway, see it through first.

        The library connects in a thread, which nothing stops. A connection that comes to stand
        after everybody has gone would be closed by the garbage collector, in a loop that is no
        more.
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
        """Send a message, and wait for its acknowledgement if it is to arrive ``at_least_once``.

        Raises:
            aiomqtt.MqttError: The connection is gone.
        """
        await self._client.publish(topic, payload, qos=int(at_least_once))

    async def lost(self) -> None:
        """Return when the connection is gone."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            async for _ in self._client.messages:
                pass

    def cut(self) -> None:
        """Break the connection as a lost link does."""
        with contextlib.suppress(OSError):
            self._tls.cut()

    async def close(self) -> None:
        """Say goodbye to the broker, if it still listens."""
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._client.__aexit__(None, None, None)
            # Take note of what ended it, or asyncio complains that nobody did.
            await self.lost()
        self._tls.forget_socket()
