"""Mutual TLS for one device: its certificate, the server's CA, and a way to cut the line."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from otactl.errors import LocalResourceMissing
from otactl.fleet.endpoint import ALPN_PORT, ALPN_PROTOCOL, FleetEndpoint
from otactl.fleet.store import ThingFiles


class DeviceTls(ssl.SSLContext):
    """A TLS context that remembers its last socket, so that a test of fate can break it.

    The MQTT client closes connections politely; a device that loses its link says nothing.
    """

    _socket: ssl.SSLSocket | None = None

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Wrap a socket as ever, and remember it."""
        self._socket = super().wrap_socket(sock, *args, **kwargs)
        return self._socket

    def forget_socket(self) -> None:
        """Free what a closed connection took, so that the next one can use that memory."""
        self._socket = None

    def cut(self) -> None:
        """Break the connection without a word to the other side."""
        if self._socket is not None and self._socket.fileno() >= 0:
            # Below TLS: the other side sees the line die, not the end of a session.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def device_tls(endpoint: FleetEndpoint, files: ThingFiles) -> DeviceTls:
    """The context of one device.

    Raises:
        LocalResourceMissing: The key or the certificate is missing or unusable.
    """
    context = DeviceTls(ssl.PROTOCOL_TLS_CLIENT)
    trusted = endpoint.trusted
    if trusted is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=trusted)
    if endpoint.mqtt_port == ALPN_PORT:
        context.set_alpn_protocols([ALPN_PROTOCOL])
    try:
        context.load_cert_chain(files.certificate_file, files.key_file)
    except (OSError, ssl.SSLError) as error:
        raise LocalResourceMissing(
            f"the certificate or key in {files.directory} cannot be used: {error}",
            hint="`otactl fleet create` makes what is missing",
        ) from error
    return context
