"""An MQTT 3.1.1 client of single packets, which sends what libraries would not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from otactl.cloud import RunningCloud
    from otactl.testing import DeviceIdentity

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13


@dataclass(frozen=True, slots=True)
class Packet:
    """What came: its type, flags and body; of a PUBLISH the topic and payload too."""

    kind: int
    flags: int
    body: bytes
    topic: str = ""
    payload: bytes = b""

    @property
    def qos(self) -> int:
        return self.flags >> 1 & 3


@dataclass(slots=True)
class RawDevice:
    """A connection; ``received`` keeps what came while something else was waited for."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: list[Packet] = field(default_factory=list)

    async def send(self, kind: int, flags: int, body: bytes) -> None:
        length, rest = b"", len(body)
        while True:
            rest, digit = divmod(rest, 128)
            length += bytes([digit | (128 if rest else 0)])
            if not rest:
                break
        self.writer.write(bytes([kind << 4 | flags]) + length + body)
        await self.writer.drain()

    async def publish(
        self, topic: str, payload: Any, *, qos: int = 0, retain: bool = False, packet_id: int = 1
    ) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        number = packet_id.to_bytes(2, "big") if qos else b""
        await self.send(3, qos << 1 | retain, text(topic) + number + raw)

    async def subscribe(self, *filters: str, qos: int = 0) -> Packet:
        wanted = b"".join(text(topic_filter) + bytes([qos]) for topic_filter in filters)
        await self.send(8, 2, b"\0\1" + wanted)
        return await self.next(SUBACK)

    async def next(self, kind: int, seconds: float = 10) -> Packet:
        """The next packet of a type; the others before it are kept in ``received``."""
        async with asyncio.timeout(seconds):
            while (packet := await self._read()).kind != kind:
                self.received.append(packet)
        return packet

    async def ping(self) -> list[Packet]:
        """All that came before the answer to a ping, so before everything sent later."""
        await self.send(12, 0, b"")
        await self.next(PINGRESP)
        came, self.received = self.received, []
        return came

    async def closed(self, seconds: float = 10) -> bool:
        """Whether the broker closes the connection in that time."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self.received.append(await self._read())
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False

    async def _read(self) -> Packet:
        first = (await self.reader.readexactly(1))[0]
        length = shift = 0
        while True:
            digit = (await self.reader.readexactly(1))[0]
            length |= (digit & 127) << shift
            shift += 7
            if not digit & 128:
                break
        body = await self.reader.readexactly(length)
        kind, flags = first >> 4, first & 15
        if kind != PUBLISH:
            return Packet(kind, flags, body)
        end = 2 + int.from_bytes(body[:2], "big")
        payload = body[end + (2 if flags >> 1 & 3 else 0) :]
        return Packet(kind, flags, body, body[2:end].decode(), payload)


def text(string: str) -> bytes:
    raw = string.encode()
    return len(raw).to_bytes(2, "big") + raw


@contextlib.asynccontextmanager
async def raw_device(
    cloud: RunningCloud,
    device: DeviceIdentity,
    *,
    host: str | None = None,
    keep_alive: int = 60,
    will: tuple[str, bytes] | None = None,
) -> AsyncIterator[RawDevice]:
    """Connect with a clean session, and wait for the broker's consent."""
    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    context.load_cert_chain(device.certificate_file, device.private_key_file)
    reader, writer = await asyncio.open_connection(
        host or cloud.address.mqtt_host, cloud.address.mqtt_port, ssl=context
    )
    connection = RawDevice(reader, writer)
    try:
        flags = 2 | (4 if will else 0)
        last = b"" if will is None else text(will[0]) + len(will[1]).to_bytes(2, "big") + will[1]
        head = text("MQTT") + bytes([4, flags]) + keep_alive.to_bytes(2, "big")
        await connection.send(1, 0, head + text(device.thing_name) + last)
        await connection.next(CONNACK)
        yield connection
    finally:
        writer.transport.abort()
