"""The few ASGI moves that the layers around MiniStack need: read, replay, refuse."""

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
    """A request that is not served, answered with these bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


def header_values(scope: Any, name: bytes) -> list[str]:
    """What a request says in a header, named in lower case, once for each time it is there."""
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
    """A ``receive`` that yields a body already read, and then what really comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
