"""Access to the page: for a browser on this machine that has its address, and for the page itself.

The address has a token as its first level, so that no cookie is needed and none can be misused:
nothing a browser sends by itself opens the page. Beyond that

- the Host header must be the page's own, so that another name that resolves to this machine (DNS
  rebinding) opens nothing;
- a request of another origin gets nothing, even with the token; the one exception is a link from
  another site, and the page it opens cannot be framed or reached by its opener;
- a request that changes something must come from the page (Origin).

Every other request gets the same empty 404 (ADR 0403).
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Nothing from elsewhere, nothing inline, no frame, no form, and no string that becomes markup.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Passes a request to the application, without the token, or answers with an empty 404.

    Args:
        token: The first level of the address.
        hosts: The values of the Host header that are the page's own, ``127.0.0.1:8080``.
    """

    def __init__(self, application: Application, token: str, hosts: Iterable[str]) -> None:
        self._application = application
        self._token = token.encode()
        self._hosts = frozenset(host.encode() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path = self._path_after_token(scope["path"])
        if path is None or not self._is_welcome(scope, path):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self._application(inner, receive, send_guarded)

    def _path_after_token(self, path: str) -> str | None:
        """The path without the token; None if the token is wrong or missing."""
        _, _, rest = path.partition("/")
        token, slash, inner = rest.partition("/")
        known = hmac.compare_digest(token.encode(errors="replace"), self._token)
        return f"/{inner}" if known and slash else None

    def _is_welcome(self, scope: Scope, path: str) -> bool:
        headers = _single_headers(scope)
        if headers is None:
            return False
        host = headers.get(b"host")
        if host not in self._hosts:
            return False
        own = b"http://" + host
        origin = headers.get(b"origin")
        if origin not in (None, own) or (scope["method"] not in ("GET", "HEAD") and origin is None):
            return False
        site = headers.get(b"sec-fetch-site")
        if site in (None, b"same-origin", b"none"):
            return True
        return (
            scope["method"] == "GET"
            and path == "/"
            and headers.get(b"sec-fetch-mode") == b"navigate"
            and headers.get(b"sec-fetch-dest") == b"document"
        )


def _single_headers(scope: Scope) -> dict[bytes, bytes] | None:
    """The headers that decide about access; None if one of them occurs twice."""
    deciding = (b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest")
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        lowered = name.lower()
        if lowered in deciding:
            if lowered in found:
                return None
            found[lowered] = value
    return found
