"""HTTP ranges from a real server, a well-behaved one and others."""

from __future__ import annotations

import http.server
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from otactl.fleet.range_fetch import RangeError, RangeFetcher

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 8


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT in the way its path asks for."""

    def do_GET(self) -> None:
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        body = CONTENT[int(first) : int(last) + 1]
        match self.path.strip("/").partition("?")[0]:
            case "ranges":
                self._send(206, body, f"bytes {first}-{last}/{len(CONTENT)}")
            case "whole":
                self._send(200, CONTENT)
            case "elsewhere":
                self._send(206, body, f"bytes {int(first) + 1}-{last}/{len(CONTENT)}")
            case "short":
                self._send(206, body[:-1], f"bytes {first}-{last}/{len(CONTENT)}")
            case "long":
                self._send(206, body + b"!", f"bytes {first}-{last}/{len(CONTENT)}")
            case "moved":
                self.send_response(302)
                self.send_header("Location", "/ranges")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "broken":
                self.send_response(206)
                self.send_header("Content-Length", "100000")
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(CONTENT)}")
                self.end_headers()
                self.wfile.write(b"abc")
                self.close_connection = True
            case status:
                self._send(int(status), b"no")

    def _send(self, status: int, body: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def fetcher() -> Iterator[RangeFetcher]:
    made = RangeFetcher(2)
    yield made
    made.close()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 511), (300, 1299), (2047, 2047)])
def test_a_range_is_what_was_asked_for(
    server: str, fetcher: RangeFetcher, first: int, last: int
) -> None:
    assert fetcher.fetch(f"{server}/ranges", first, last) == CONTENT[first : last + 1]


def test_a_server_without_ranges_may_send_a_whole_small_file(
    server: str, fetcher: RangeFetcher
) -> None:
    assert fetcher.fetch(f"{server}/whole", 0, len(CONTENT) - 1) == CONTENT


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("403", 403),
        ("404", 404),
        ("500", 500),
        ("moved", 302),
        ("elsewhere", None),
        ("short", None),
        ("long", None),
        ("broken", None),
        ("whole", None),
    ],
)
def test_anything_else_is_an_error_that_keeps_the_url_to_itself(
    server: str, fetcher: RangeFetcher, path: str, status: int | None
) -> None:
    with pytest.raises(RangeError) as raised:
        fetcher.fetch(f"{server}/{path}?X-Amz-Signature=secret", 256, 511)

    assert raised.value.http_status == status
    assert raised.value.__cause__ is None
    assert "secret" not in str(raised.value)


def test_nobody_there_is_an_error_without_a_status(fetcher: RangeFetcher) -> None:
    with pytest.raises(RangeError) as raised:
        fetcher.fetch("http://127.0.0.1:1/x", 0, 1)

    assert raised.value.http_status is None


def test_no_log_shows_a_url_however_much_is_logged(
    server: str, fetcher: RangeFetcher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        fetcher.fetch(f"{server}/ranges?X-Amz-Signature=secret", 0, 10)

    assert "secret" not in caplog.text
