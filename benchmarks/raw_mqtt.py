"""The least MQTT 3.1.1 client that can be: so that a benchmark measures the broker, not itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_PUBLISH = 3
_CONNACK, _SUBACK = 2, 9


def _length(number: int) -> bytes:
    encoded = b""
    while True:
        number, digit = divmod(number, 128)
        encoded += bytes([digit | (128 if number else 0)])
        if not number:
            return encoded


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def publish_packet(topic: str, payload: bytes) -> bytes:
    """A PUBLISH at QoS 0."""
    body = _text(topic) + payload
    return b"\x30" + _length(len(body)) + body


class RawClient(asyncio.Protocol):
    """Counts what it hears.

    Attributes:
        messages: PUBLISH packets heard.
        payload_bytes: Bytes of their payloads.
    """

    def __init__(self, client_id: str, on_message: Callable[[bytes], None] | None = None) -> None:
        self._client_id = client_id
        self._on_message = on_message
        self._buffer = bytearray()
        self._acknowledged: asyncio.Queue[int] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport
        self.messages = 0
        self.payload_bytes = 0

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        tls: ssl.SSLContext,
        client_id: str,
        on_message: Callable[[bytes], None] | None = None,
    ) -> RawClient:
        """Connect and wait for the broker's consent."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(
            lambda: cls(client_id, on_message), host, port, ssl=tls, server_hostname=host
        )
        assert await client._acknowledged.get() == _CONNACK  # noqa: S101, SLF001
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        body = _text("MQTT") + b"\x04\x02\x00\x00" + _text(self._client_id)
        transport.write(b"\x10" + _length(len(body)) + body)

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe at QoS 0."""
        body = b"\x00\x01" + _text(topic_filter) + b"\x00"
        self._transport.write(b"\x82" + _length(len(body)) + body)
        assert await self._acknowledged.get() == _SUBACK  # noqa: S101

    async def send(self, packet: bytes) -> None:
        """Write a packet once the connection takes it."""
        await self._writable.wait()
        self._transport.write(packet)

    def pause_writing(self) -> None:
        """Stop senders."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Take packets apart as far as counting needs."""
        self._buffer += data
        start = 0
        while (end := self._packet_end(start)) is not None:
            kind, body, stop = end
            if kind == _PUBLISH:
                topic_length = int.from_bytes(self._buffer[body : body + 2], "big")
                payload = body + 2 + topic_length
                self.messages += 1
                self.payload_bytes += stop - payload
                if self._on_message is not None:
                    self._on_message(bytes(self._buffer[payload:stop]))
            else:
                self._acknowledged.put_nowait(kind)
            start = stop
        del self._buffer[:start]

    def _packet_end(self, start: int) -> tuple[int, int, int] | None:
        length, shift, at = 0, 0, start + 1
        while True:
            if at >= len(self._buffer):
                return None
            digit = self._buffer[at]
            length |= (digit & 127) << shift
            at, shift = at + 1, shift + 7
            if not digit & 128:
                break
        stop = at + length
        return (self._buffer[start] >> 4, at, stop) if stop <= len(self._buffer) else None

    def close(self) -> None:
        """Cut the connection."""
        self._transport.abort()
