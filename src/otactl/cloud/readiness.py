"""Whether a local cloud is really there: the gateway answers, and the broker speaks TLS.

Asked over its public surface only: ``/_ministack/ready`` says when its MQTT listener is bound,
``/_ministack/iot/ca.pem`` has the CA, and a TLS handshake against that CA proves the rest (and
makes the broker build its certificate before the first device waits for it).
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_POLL_SECONDS = 0.05
_ATTEMPT_SECONDS = 10.0


class NotReady(Exception):
    """Raised when the cloud did not become ready; the message says what was last seen."""


def await_ready(
    host: str,
    port: int,
    mqtt_port: int,
    ca_file: Path,
    *,
    timeout: float,
    check: Callable[[], None],
    headers: Mapping[str, str],
) -> None:
    """Wait until the cloud can be used, and write the CA of its broker to ``ca_file``.

    Args:
        host: Of both listeners, and a name in the broker's certificate.
        port: Of the gateway.
        mqtt_port: Of the broker.
        ca_file: Written.
        timeout: Seconds to wait.
        headers: Sent to the gateway; they let us in.
        check: Called between attempts; raises when waiting makes no sense any more.

    Raises:
        NotReady: The time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        check()
        try:
            _get(host, port, "/_ministack/ready", headers)
            ca_file.write_text(_get(host, port, "/_ministack/iot/ca.pem", headers))
            _handshake(host, mqtt_port, ca_file)
        except (OSError, http.client.HTTPException, NotReady) as error:
            if time.monotonic() > deadline:
                raise NotReady(f"not ready after {timeout:g} seconds: {error}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _get(host: str, port: int, path: str, headers: Mapping[str, str]) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=_ATTEMPT_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise NotReady(f"{path} answered {answer.status}: {body[:200]}")
    return body


def _handshake(host: str, port: int, ca_file: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca_file))
    with (
        socket.create_connection((host, port), timeout=_ATTEMPT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host),
    ):
        pass
