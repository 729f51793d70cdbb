"""Access control of the gateway: only programs with a key of this cloud.

A port on loopback is open to each user of the machine and to each web page in a browser on it.
So a request is served only if

1. its ``Host`` is a loopback name (a page's own domain, pointed here by DNS, is not),
2. it does not come from a web page (``Origin``, ``Sec-Fetch-Site``; paho sends the broker's own
   name as the origin of its WebSocket handshakes, which a page of another site cannot),
3. its AWS signature is valid, made with a key from this cloud.

The cloud's secret, in the header ``X-Otactl-Cloud-Secret``, replaces a signature: only it gives
access to ``/_ministack/…``, and a request with it acts as root of the account that its key id
names. The cloud's own calls and our tests use it.

Without access control: the URLs to which CloudFormation's custom resources answer. Each contains a
random token.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from otactl.cloud.asgi import (
    Application,
    Receive,
    Refusal,
    Send,
    header_values,
    read_body,
    replay,
    send_refusal,
)

SECRET_HEADER = "X-Otactl-Cloud-Secret"  # noqa: S105  # a name, no secret

_ADMINISTRATION = re.compile(r"/+_(ministack|localstack)(/|$)")
_ANSWER_ADDRESS = re.compile(r"/_ministack/cfn-(response|signal)/[0-9a-f-]{32,36}")
_PORT = re.compile(r":\d{1,5}$", re.ASCII)
_SCHEMES = ("http", "https")
_FORBIDDEN = 403


class Guard:
    """The outermost ASGI layer of the gateway; see the module.

    Args:
        check_signature: Why a request with this scope and body is refused; None if its signature
            is valid.
        host_names: Allowed names in ``Host`` in addition to those of the loopback.
    """

    def __init__(
        self,
        application: Application,
        *,
        check_signature: Callable[[Any, bytes], Refusal | None],
        secret: str,
        host_names: Iterable[str] = (),
    ) -> None:
        self._application = application
        self._check_signature = check_signature
        self._secret = secret.encode()
        self._host_names = frozenset(name.lower() for name in host_names)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _http(self, scope: Any, receive: Receive, send: Send) -> None:
        refusal = self._refused_origin(scope)
        if refusal is None and not self._is_open(scope):
            if _ADMINISTRATION.match(scope["path"]):
                refusal = _forbidden(f"{scope['path']} needs the header {SECRET_HEADER}")
            else:
                body = await read_body(receive)
                receive = replay(body, receive)
                refusal = self._check_signature(scope, body)
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await send_refusal(send, refusal)

    async def _websocket(self, scope: Any, receive: Receive, send: Send) -> None:
        refusal = self._refused_origin(scope)
        if refusal is None and not self._has_secret(scope):
            refusal = self._check_signature(scope, b"")
        if refusal is None:
            await self._application(scope, receive, send)
            return
        await receive()  # the handshake
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    def _refused_origin(self, scope: Any) -> Refusal | None:
        hosts = header_values(scope, b"host")
        if len(hosts) != 1 or not self._is_our_name(hosts[0]):
            named = hosts[0] if len(hosts) == 1 else "no name, or several"
            return _forbidden(
                f"the Host header names {named!r}: the local cloud is served as localhost, "
                "*.localhost and 127.0.0.1, and as the names it was started with (--host-name)"
            )
        origins = header_values(scope, b"origin")
        if scope["type"] == "websocket" and origins in ([f"{x}://{hosts[0]}"] for x in _SCHEMES):
            origins = []
        if origins or any(site != "none" for site in header_values(scope, b"sec-fetch-site")):
            return _forbidden("the local cloud does not serve web pages (Origin, Sec-Fetch-Site)")
        return None

    def _is_our_name(self, host: str) -> bool:
        name = _PORT.sub("", host.lower())
        return (
            name in ("localhost", "127.0.0.1")
            or name.endswith(".localhost")
            or name in self._host_names
        )

    def _is_open(self, scope: Any) -> bool:
        is_answer = scope["method"] == "PUT" and _ANSWER_ADDRESS.fullmatch(scope["path"])
        return bool(is_answer) or self._has_secret(scope)

    def _has_secret(self, scope: Any) -> bool:
        given = header_values(scope, SECRET_HEADER.lower().encode())
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self._secret)


def send_cloud_secret(client: Any, secret: str) -> None:
    """Make a boto3 client send the cloud's secret; it then acts as root of its key id's account."""

    def add_header(request: Any, **_: Any) -> None:
        request.headers[SECRET_HEADER] = secret

    client.meta.events.register("before-send", add_header)


def _forbidden(message: str) -> Refusal:
    body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
    headers = {
        "Content-Type": "application/json",
        "x-amzn-errortype": "AccessDeniedException",
    }
    return Refusal(_FORBIDDEN, headers, body)
