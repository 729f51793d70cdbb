"""Single requests over one device's connection, with blocking calls that return the answer.

These are requests that the device state machine never sends, such as an update of an ended
execution, or a request for blocks that do not exist.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from otactl.errors import AwsUnreachable
from otactl.fleet.connection import CONNECTION_ERRORS, Connection
from otactl.fleet.endpoint import FleetEndpoint, device_tls
from otactl.fleet.store import ThingFiles
from otactl.wire.error import WireError
from otactl.wire.job_payload import load_object
from otactl.wire.job_topic import JobTopics
from otactl.wire.stream_payload import GetStreamRequest, encode_get_request
from otactl.wire.stream_topic import PayloadFormat, StreamTopic, StreamVerb

_KEEPALIVE_SECONDS = 60
_ANSWER_SECONDS = 8.0
#: After this time without another block, all blocks have arrived.
_PAUSE_SECONDS = 1.0

Message = tuple[str, bytes]


class DeviceProbe:
    """A connection as one thing; leave the ``with`` block to close it."""

    def __init__(self, endpoint: FleetEndpoint, thing_name: str, files: ThingFiles) -> None:
        self.topics = JobTopics(thing_name)
        self._endpoint = endpoint
        self._thing_name = thing_name
        self._files = files
        self._runner = asyncio.Runner()
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        try:
            self._runner.run(self._open())
        except CONNECTION_ERRORS as error:
            self._runner.close()
            raise AwsUnreachable("mqtt", type(error).__name__, str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()

    def update(self, job_id: str, status: str, **more: Any) -> dict[str, Any]:
        """UpdateJobExecution; the answer's fields, with a ``code`` if it was refused."""
        topic = self.topics.update(job_id)
        return self._ask(topic, {"status": status, **more})

    def start_next(self) -> dict[str, Any]:
        """StartNextPendingJobExecution; the answer's fields."""
        return self._ask(self.topics.start_next, {})

    def blocks(
        self, stream_id: str, request: GetStreamRequest, payload_format: PayloadFormat
    ) -> tuple[list[bytes], bytes | None]:
        """GetStream: the payloads of the blocks, and that of a refusal or None."""
        topic = StreamTopic(self._thing_name, stream_id, StreamVerb.GET, payload_format)
        refused = str(topic.with_verb(StreamVerb.REJECTED))
        data = str(topic.with_verb(StreamVerb.DATA))
        self.forget()
        self._send(str(topic), encode_get_request(request, payload_format))
        blocks: list[bytes] = []
        while True:
            seconds = _PAUSE_SECONDS if blocks else _ANSWER_SECONDS
            message = self._next(lambda name: name in (refused, data), seconds)
            if message is None:
                return blocks, None
            if message[0] == refused:
                return blocks, message[1]
            blocks.append(message[1])

    def forget(self) -> None:
        """Drop all messages received so far."""
        while not self._messages.empty():
            self._messages.get_nowait()

    def pushed_execution(self, job_id: str, seconds: float) -> dict[str, Any] | None:
        """The next notified execution of a job; None if there is none in time."""
        loop = self._runner.get_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            message = self._next(lambda name: name.endswith("/notify-next"), left)
            if message is None:
                break
            execution = _fields(message[1]).get("execution")
            if isinstance(execution, dict) and execution.get("jobId") == job_id:
                return execution
        return None

    def _ask(self, topic: str, fields: dict[str, Any]) -> dict[str, Any]:
        answers = (f"{topic}/accepted", f"{topic}/rejected")
        self._send(topic, json.dumps(fields).encode())
        message = self._next(lambda name: name in answers, _ANSWER_SECONDS, keep=True)
        if message is None:
            return {"code": "", "message": f"no answer within {_ANSWER_SECONDS:g} s"}
        return _fields(message[1])

    def _send(self, topic: str, payload: bytes) -> None:
        async def send() -> None:
            if self._connection is None:
                await self._open()
            assert self._connection is not None  # noqa: S101 - just opened
            try:
                await self._connection.publish(topic, payload)
            except CONNECTION_ERRORS:
                await self._open()
                await self._connection.publish(topic, payload)

        try:
            self._runner.run(send())
        except CONNECTION_ERRORS as error:
            raise AwsUnreachable("mqtt", type(error).__name__, str(error)) from error

    def _next(
        self, wanted: Callable[[str], bool], seconds: float, *, keep: bool = False
    ) -> Message | None:
        """The next message on a wanted topic; others are dropped, or kept for the next call."""

        async def receive() -> Message | None:
            others: list[Message] = []
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        message = await self._messages.get()
                        if wanted(message[0]):
                            return message
                        others.append(message)
            except TimeoutError:
                return None
            finally:
                for other in others if keep else ():
                    self._messages.put_nowait(other)

        return self._runner.run(receive())

    async def _open(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = Connection(
            self._endpoint,
            self._thing_name,
            device_tls(self._endpoint, self._files),
            on_message=lambda topic, payload: self._messages.put_nowait((topic, payload)),
            keepalive_seconds=_KEEPALIVE_SECONDS,
        )
        streams = f"$aws/things/{self._thing_name}/streams/+"
        await self._connection.open(
            at_least_once=self.topics.subscriptions,
            at_most_once=(f"{streams}/data/+", f"{streams}/rejected/+"),
        )


def _fields(payload: bytes) -> dict[str, Any]:
    try:
        return load_object(payload)
    except WireError as error:
        return {"code": "", "message": str(error)}
