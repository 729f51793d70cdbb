"""The cloud's certificates, and no device without one of its own.

MiniStack's MQTT listener serves a client that shows no certificate, in the default account and
held to no policy, even with ``AUTH=true``. AWS IoT ends such a handshake (Developer Guide, client
authentication); here it would be a way around every policy that a rehearsal is to prove.

The server has two certificates: an elliptic key for clients that support it, RSA for the others.
Signing with RSA is most of what a TLS handshake costs the server: a sixth of the processor time of
a large rollout. AWS has both kinds of certificates, too. The gateway's listener for HTTPS has them
as well.

Touched, in ``ministack.services.iot``: ``_mtls_build_ssl_context`` is wrapped to ask for a
certificate and to load a second one of the same names, made as ``_mtls_ensure_server_cert`` makes
the first, and ``_mtls_server_cert_sans`` to add the names the cloud was started with.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from typing import Any

from ministack.core.x509_utils import sign_leaf_certificate
from ministack.services import iot

from otactl.cloud.ministack.shape import Changes, require_source


def require_certificates(changes: Changes) -> None:
    """Let the broker end the handshake of a client without a certificate."""
    require_source(iot._mtls_build_ssl_context, "ctx.verify_mode = ssl.CERT_OPTIONAL")

    @changes.around(iot, "_mtls_build_ssl_context")
    def build_ssl_context(build: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = build()
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def add_elliptic(changes: Changes, host_names: Iterable[str] = ()) -> None:
    """Give the broker its second certificate, and further names by which it is asked."""
    require_source(iot._mtls_build_ssl_context, "ctx.load_cert_chain(chain_path)")
    require_source(iot._mtls_ensure_server_cert, "common_name=dns_names[0]")
    require_source(sign_leaf_certificate, 'if key_type == "ec256"')
    more = list(host_names)

    @changes.around(iot, "_mtls_build_ssl_context")
    def build_ssl_context(build: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = build()
        _load_elliptic(context)
        return context

    @changes.around(iot, "_mtls_server_cert_sans")
    def server_cert_sans(named: Any) -> tuple[list[str], list[str]]:
        names, addresses = named()
        return [*names, *more], addresses


def gateway_context() -> ssl.SSLContext:
    """The TLS context of the gateway's listener for HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificates(context)
    return context


def load_certificates(context: ssl.SSLContext) -> None:
    """Give a TLS context the cloud's certificates; again after MiniStack was reset."""
    _load(context, *iot._mtls_ensure_server_cert())
    _load_elliptic(context)


def _load_elliptic(context: ssl.SSLContext) -> None:
    names, addresses = iot._mtls_server_cert_sans()
    certificate, key, _ = sign_leaf_certificate(
        *iot._ensure_ca(),
        common_name=names[0],
        san_dns=names,
        san_ips=addresses,
        key_type="ec256",
    )
    _load(context, certificate, key)


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)
