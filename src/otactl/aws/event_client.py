"""An MQTT client that leaves nothing open when it cannot connect.

The library below opens a socket, and forgets to close it when the handshake on it fails or is
given up. A process that listens for hours and is refused again and again would collect them.
"""

from __future__ import annotations

import socket
import traceback
from typing import Any

import aiomqtt

from otactl.wire.mqtt_log import mqtt_logger


class EventClient(aiomqtt.Client):
    """An ``aiomqtt.Client``, whose attempts to connect close what they opened.

    Args:
        host: Of the broker.
        port: Of the broker.
        how: As for ``aiomqtt.Client``.
    """

    def __init__(self, host: str, port: int, **how: Any) -> None:
        super().__init__(host, port, logger=mqtt_logger(), **how)

    def _client_connect(self) -> None:
        # Runs in a thread, and to its end also when nobody waits for it any more: the only place
        # that sees every failure.
        try:
            super()._client_connect()
        except BaseException as error:
            _close_sockets(error)
            raise


def _close_sockets(error: BaseException) -> None:
    """Close the sockets of the calls that an error came through: nobody else knows them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for local in frame.f_locals.values():
            if isinstance(local, socket.socket):
                local.close()
