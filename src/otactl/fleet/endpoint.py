"""Where devices connect to, AWS's broker or the local cloud's, and their mutual TLS with it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from otactl.errors import LocalResourceMissing
from otactl.fleet.store import ThingFiles
from otactl.model.local_cloud import LocalCloudAddress

DEFAULT_PORT = 8883
#: All roots of a system together have 250,000 characters.
_MAX_CA_LENGTH = 1024 * 1024
#: On this port AWS accepts MQTT with client certificates only with this ALPN protocol name
#: (AWS IoT Developer Guide, protocols).
ALPN_PORT = 443
ALPN_PROTOCOL = "x-amzn-mqtt-ca"
#: The CAs of AWS IoT's ATS endpoints (Developer Guide, server-authentication).
AWS_ROOT_ORGANISATIONS = ("Amazon", "Starfield Technologies, Inc.")


@dataclass(frozen=True)
class FleetEndpoint:
    """A broker.

    Attributes:
        mqtt_host: Its name; the server's certificate must contain it.
        mqtt_port: 8883, or 443, where AWS also listens.
        ca_file: PEM of the CA that signed the server's certificate; None uses AWS's roots among
            the system's.
    """

    mqtt_host: str
    mqtt_port: int = DEFAULT_PORT
    ca_file: str | None = None

    @classmethod
    def of_local_cloud(cls, address: LocalCloudAddress) -> FleetEndpoint:
        """The broker of a local cloud."""
        return cls(address.mqtt_host, address.mqtt_port, address.ca_file)

    def require_trust(self) -> None:
        """Read the CA now, so that a missing file is one error and not one for each device.

        Raises:
            LocalResourceMissing: The CA file cannot be read, or holds no certificate.
        """
        trusted = self.trusted
        if trusted is None:
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=trusted)
        except ssl.SSLError as error:
            raise LocalResourceMissing(f"{self.ca_file} holds no certificate: {error}") from error

    @cached_property
    def trusted(self) -> str | bytes | None:
        """The trusted CAs, PEM or DER; None for all of the system's roots.

        All of the system's roots cost 800 KiB and 30 ms per device; the few that AWS IoT uses
        cost a thirtieth of both (measured, ADR 0103).

        Raises:
            LocalResourceMissing: The CA file cannot be read.
        """
        if self.ca_file is not None:
            try:
                with open(self.ca_file, encoding="ascii") as file:  # noqa: PTH123  # str, not Path
                    text = file.read(_MAX_CA_LENGTH + 1)
            except (OSError, UnicodeDecodeError) as error:
                raise LocalResourceMissing(
                    f"the broker's CA file {self.ca_file} cannot be read: {error}",
                    hint='is the local cloud up? eval "$(otactl local env)" names its CA file',
                ) from error
            if len(text) > _MAX_CA_LENGTH:
                raise LocalResourceMissing(
                    f"the broker's CA file {self.ca_file} is longer than"
                    f" {_MAX_CA_LENGTH} characters"
                )
            return text
        return aws_roots(ssl.create_default_context()) or None


def aws_roots(system: ssl.SSLContext) -> bytes:
    """The roots of a context that AWS IoT's certificates chain to, concatenated DER."""
    subjects = system.get_ca_certs()
    ders = system.get_ca_certs(binary_form=True)
    return b"".join(
        der
        for subject, der in zip(subjects, ders, strict=True)
        if _organisation(subject.get("subject")) in AWS_ROOT_ORGANISATIONS
    )


def _organisation(subject: object) -> str:
    """The organisation of a subject in the ``ssl`` module's form: nested tuples of pairs."""
    if not isinstance(subject, tuple):
        return ""
    pairs = (pair for part in subject for pair in part)
    return next((text for name, text in pairs if name == "organizationName"), "")


class DeviceTls(ssl.SSLContext):
    """A TLS context that keeps its last socket, so that a behaviour can break the connection.

    The MQTT client would send DISCONNECT; a device that loses its link sends nothing.
    """

    _socket: ssl.SSLSocket | None = None

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Wrap a socket as usual, and keep it."""
        self._socket = super().wrap_socket(sock, *args, **kwargs)
        return self._socket

    def forget_socket(self) -> None:
        """Free the memory of a closed connection for the next one."""
        self._socket = None

    def cut(self) -> None:
        """Break the connection without a TLS or MQTT message."""
        if self._socket is not None and self._socket.fileno() >= 0:
            # Below TLS: the other side sees a broken connection, not the end of a session.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def device_tls(endpoint: FleetEndpoint, files: ThingFiles) -> DeviceTls:
    """The TLS context of one device.

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
