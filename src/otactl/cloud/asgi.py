"""ASGI helpers for the layers around MiniStack: read, replay, refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP response that refuses a request."""

    status: int
    headers: dict[str, str]
    body: bytes


def header_values(scope: Any, name: bytes) -> list[str]:
    """All values of a header of a request; ``name`` is in lower case."""
    return [text.decode("latin-1") for key, text in scope["headers"] if key.lower() == name]


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
    """A ``receive`` that returns a body read before, and then the real messages."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
