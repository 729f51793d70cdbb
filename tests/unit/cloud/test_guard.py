"""Who gets through the guard of the gateway, with an application and a signature check of ours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from otactl.cloud.asgi import Refusal
from otactl.cloud.guard import SECRET_HEADER, Guard

SECRET = "the-clouds-secret"
REFUSED = Refusal(403, {}, b"bad signature")


class Gateway:
    """What lies behind the guard: remembers what came through."""

    def __init__(self, *, signed: bool) -> None:
        self.served: list[bytes] = []
        self.checked: list[bytes] = []
        self._signed = signed
        self.guard = Guard(
            self._serve,
            check_signature=self._check,
            secret=SECRET,
            host_names=["Build-Host.example"],
        )

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.served.append(message.get("body", b""))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"served"})
        else:
            await send({"type": "websocket.accept"})

    def _check(self, _scope: Any, body: bytes) -> Refusal | None:
        self.checked.append(body)
        return None if self._signed else REFUSED

    def ask(self, *, kind: str = "http", path: str = "/", method: str = "POST", **headers: str):
        """The messages that answer a request; header names with ``_`` for ``-``."""
        given = {"host": "127.0.0.1:4566"} | headers
        scope = {
            "type": kind,
            "path": path,
            "method": method,
            "headers": [
                (name.replace("_", "-").encode(), text.encode()) for name, text in given.items()
            ],
        }
        waiting = [
            {"type": "http.request", "body": b"two", "more_body": False},
            {"type": "http.request", "body": b"one ", "more_body": True},
        ]
        if kind == "websocket":
            waiting = [{"type": "websocket.connect"}]
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.guard(scope, receive, send))
        return sent

    def status(self, **request: Any) -> int:
        return int(self.ask(**request)[0]["status"])


SECRET_FIELD = {SECRET_HEADER.lower().replace("-", "_"): SECRET}


def test_a_signed_request_is_served_with_its_whole_body() -> None:
    gateway = Gateway(signed=True)

    assert gateway.status() == 200
    assert gateway.checked == gateway.served == [b"one two"]


def test_a_request_whose_signature_is_refused_is_not_served() -> None:
    gateway = Gateway(signed=False)

    answer = gateway.ask()

    assert (answer[0]["status"], answer[1]["body"]) == (403, b"bad signature")
    assert gateway.served == []


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:4566", "LOCALHOST:1", "127.0.0.1", "bucket.s3.localhost:4566"),
        *("x-ats.iot.eu-west-1.localhost:80", "build-host.example", "BUILD-HOST.EXAMPLE:8080"),
    ],
)
def test_names_of_the_loopback_and_names_given_are_served(host: str) -> None:
    assert Gateway(signed=True).status(host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost"),
        *("", "evil.example:4566", "127.0.0.2", "localhost:4566@evil.example", "10.0.0.1"),
    ],
)
def test_other_names_are_refused_before_anything_else(host: str) -> None:
    gateway = Gateway(signed=True)

    assert gateway.status(host=host, **SECRET_FIELD) == 403
    assert gateway.checked == gateway.served == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4566"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "same-origin"},
    ],
)
def test_web_pages_are_refused_even_with_the_secret(headers: dict[str, str]) -> None:
    gateway = Gateway(signed=True)

    assert gateway.status(**headers, **SECRET_FIELD) == 403
    assert gateway.checked == gateway.served == []


def test_an_address_opened_by_hand_in_a_browser_is_served() -> None:
    # A presigned URL pasted into the address bar: the browser says "none".
    assert Gateway(signed=True).status(sec_fetch_site="none") == 200


@pytest.mark.parametrize(
    "path", ["/_ministack/reset", "/_ministack/iot/ca.pem", "/_ministack", "//_ministack/reset"]
)
def test_administration_needs_the_clouds_secret_not_a_signature(path: str) -> None:
    gateway = Gateway(signed=True)

    assert gateway.status(path=path) == 403
    assert gateway.status(path=path, **(dict.fromkeys(SECRET_FIELD, "a guess"))) == 403
    assert gateway.served == []
    assert gateway.status(path=path, **SECRET_FIELD) == 200


def test_the_secret_stands_in_place_of_a_signature() -> None:
    gateway = Gateway(signed=False)

    assert gateway.status(**SECRET_FIELD) == 200
    assert gateway.checked == []


def test_a_custom_resource_answers_by_its_token_alone() -> None:
    gateway = Gateway(signed=False)
    path = "/_ministack/cfn-response/0123abcd-0123-0123-0123-0123456789ab"

    assert gateway.status(path=path, method="PUT") == 200
    assert gateway.status(path=path, method="POST") == 403
    assert gateway.status(path=f"{path}/../../reset", method="PUT") == 403


def test_a_websocket_is_served_only_if_it_is_signed() -> None:
    assert Gateway(signed=True).ask(kind="websocket")[0]["type"] == "websocket.accept"

    assert Gateway(signed=False).ask(kind="websocket")[0]["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("https://127.0.0.1:4566", "websocket.accept"),  # what paho sends by default
        ("https://127.0.0.1:8000", "websocket.close"),
        ("http://evil.example", "websocket.close"),
    ],
)
def test_a_websocket_of_a_page_of_another_place_is_refused(origin: str, kind: str) -> None:
    assert Gateway(signed=True).ask(kind="websocket", origin=origin)[0]["type"] == kind
