"""Fetches bytes of a presigned URL with HTTP range requests.

The URL comes from a job document and is a secret while it is valid: it is never logged and never
part of an error. Only ``https`` is fetched, or ``http`` from loopback, where a local cloud serves
it. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
from urllib.parse import urlsplit

import urllib3
import urllib3.connectionpool
from urllib3 import BaseHTTPResponse

_PARTIAL = 206
_OK = 200
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_PLACEHOLDER = "${aws:iot:"


class RangeError(Exception):
    """Raised when a range could not be fetched.

    Args:
        http_status: The server's status; None without an answer, or if it had other bytes.
    """

    def __init__(self, http_status: int | None) -> None:
        super().__init__(f"HTTP status {http_status}")
        self.http_status = http_status


def url_fault(url: str) -> str | None:
    """Why a device refuses this URL; None if it accepts it."""
    if url.startswith(_PLACEHOLDER):
        return "the presigned URL was not filled in"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        return "the presigned URL is no URL"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "the presigned URL is not https"


class RangeFetcher:
    """Fetches ranges for all devices of a fleet; thread-safe.

    Args:
        connections: The number of connections to keep to one server.
        ca_file: PEM of another trusted CA, a local cloud's, in addition to the system's roots.
    """

    def __init__(self, connections: int, ca_file: str | None = None) -> None:
        tls = ssl.create_default_context()
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        # At DEBUG urllib3 logs the path of every request, which contains the signature.
        logging.getLogger(urllib3.connectionpool.__name__).setLevel(logging.INFO)
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            ssl_context=tls,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        )

    def fetch(self, url: str, first_byte: int, last_byte: int) -> bytes:
        """The bytes from the first to the last (inclusive).

        Raises:
            RangeError: They could not be fetched; the device decides whether to retry.
        """
        try:
            response = self._pool.request(
                "GET",
                url,
                headers={"Range": f"bytes={first_byte}-{last_byte}"},
                redirect=False,
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError):
            # The chained message would contain the URL.
            raise RangeError(None) from None
        try:
            body = _body(response, first_byte, last_byte - first_byte + 1)
        except urllib3.exceptions.HTTPError:
            raise RangeError(None) from None
        finally:
            # After a complete read it is in the pool again; with unread bytes it must be closed.
            response.close()
        return body

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()


def _body(response: BaseHTTPResponse, first_byte: int, size_bytes: int) -> bytes:
    if response.status not in (_PARTIAL, _OK):
        raise RangeError(response.status)
    begin = f"bytes {first_byte}-"
    if response.status == _PARTIAL:
        if not response.headers.get("Content-Range", "").startswith(begin):
            raise RangeError(None)
    elif first_byte != 0:
        # The server ignored the range: its bytes begin elsewhere.
        raise RangeError(None)
    # Read one byte more, to detect a range that is too long.
    body = response.read(size_bytes + 1)
    if len(body) != size_bytes:
        raise RangeError(None)
    return body


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
