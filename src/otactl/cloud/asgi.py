"""The few ASGI moves that the layer in front of MiniStack needs: read, replay, capture, answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer.

    Attributes:
        fields: Of the JSON body.
        error: The AWS error code; None when it is none.
    """

    status: int
    fields: dict[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not served, answered with these bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


async def send_refusal(send: Send, refusal: Refusal) -> None:
    """Answer an HTTP request with a refusal."""
    length = {"Content-Length": str(len(refusal.body))}
    headers = [
        (name.lower().encode("latin-1"), text.encode("latin-1"))
        for name, text in (refusal.headers | length).items()
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that yields a body already read, and then what really comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


@dataclass(slots=True)
class CapturedAnswer:
    """An answer held back, to be looked at before it goes out."""

    messages: list[Message] = field(default_factory=list)

    async def capture(self, message: Message) -> None:
        """Stand in for ``send``."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The HTTP status; 0 when nothing was answered."""
        starts = (m for m in self.messages if m["type"] == "http.response.start")
        return int(next(starts, {"status": 0})["status"])

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(
            message.get("body", b"")
            for message in self.messages
            if message["type"] == "http.response.body"
        )

    async def release(self, send: Send) -> None:
        """Send it after all."""
        for message in self.messages:
            await send(message)


async def send_answer(send: Send, answer: Answer, request_id: str) -> None:
    """Answer as AWS IoT does: JSON, the error's code in a header and in the body."""
    fields = answer.fields
    headers = [
        (b"content-type", b"application/json"),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    if answer.error is not None:
        fields = {"__type": answer.error} | fields
        headers.append((b"x-amzn-errortype", answer.error.encode()))
    body = json.dumps(fields).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
