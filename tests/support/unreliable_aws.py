"""A proxy in front of a local cloud that does what AWS does on a bad day. On loopback alone.

It throttles DynamoDB, loses answers after the deed was done, cancels transactions that collided,
and refuses requests that were signed too long ago, as AWS does after five minutes.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_TARGET = "DynamoDB_20120810."
_COLLISION = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "message": "Transaction cancelled",
    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
}


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How bad the day is: shares of the requests to DynamoDB, and how long a signature lives."""

    throttled: float = 0.0
    lost: float = 0.0
    collided: float = 0.0
    signature_seconds: float | None = None


class UnreliableAws:
    """The proxy, as long as the ``with`` block runs.

    Args:
        endpoint_url: Of the local cloud.
        weather: What goes wrong.
        seed: Of the chance by which it does.
    """

    def __init__(self, endpoint_url: str, weather: Weather, *, seed: int = 1) -> None:
        upstream = urlsplit(endpoint_url).netloc
        chance = random.Random(seed)  # noqa: S311  # no secret hangs on it
        done: Counter[str] = Counter()

        class Handler(_Handler):
            pass

        Handler.upstream, Handler.weather, Handler.chance, Handler.done = (
            upstream, weather, chance, done,
        )  # fmt: skip
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        #: What was done to requests, by name.
        self.done = done

    @property
    def endpoint_url(self) -> str:
        """Where to call it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = ""
    weather = Weather()
    chance: random.Random
    done: Counter[str]

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self._body()
        operation = self.headers.get("X-Amz-Target", "")
        draw = self.chance.random()
        weather = self.weather
        if self._is_stale():
            self.done["stale"] += 1
            self._answer(
                403, {"message": "Signature expired", "code": "InvalidSignatureException"},
                {"x-amzn-errortype": "InvalidSignatureException"},
            )  # fmt: skip
        elif not operation.startswith(_TARGET):
            self._forward(body)
        elif draw < weather.throttled:
            self.done["throttled"] += 1
            kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            self._answer(400, {"__type": kind, "message": "The level of throughput is exceeded"})
        elif draw < weather.throttled + weather.lost:
            self.done["lost"] += 1
            self._forward(body, answers=False)
        elif operation.endswith("TransactWriteItems") and self.chance.random() < weather.collided:
            self.done["collided"] += 1
            self._answer(400, _COLLISION)
        else:
            self._forward(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815  # http.server's

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # http.server has said "go on" already
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _is_stale(self) -> bool:
        date = self.headers.get("X-Amz-Date")
        if date is None or self.weather.signature_seconds is None:
            return False
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return (datetime.now(UTC) - signed).total_seconds() > self.weather.signature_seconds

    def _forward(self, body: bytes, *, answers: bool = True) -> None:
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("connection", "expect")
            }
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if not answers:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _answer(
        self, status: int, fields: dict[str, object], headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(fields).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
