"""The cloud's certificates; devices without a client certificate are refused.

MiniStack's MQTT listener accepts a client without a certificate, in the default account and without
any policy, even with ``AUTH=true``. AWS IoT ends such a handshake (Developer Guide, client
authentication); here it would bypass every policy that a rehearsal must test.

The server has two certificates: one with an elliptic key, and RSA for clients that do not support
it. Signing with RSA is most of a TLS handshake's cost: a sixth of the processor time of a large
rollout. AWS has both kinds of certificates, too. The gateway's HTTPS listener uses the same two.

Touched, in ``ministack.services.iot``: ``_mtls_build_ssl_context`` is wrapped to ask for a
certificate and to load a second one with the same names, made as ``_mtls_ensure_server_cert`` makes
the first, and ``_mtls_server_cert_sans`` to add the cloud's own host names.
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
    """Make the broker refuse a client without a certificate."""
    require_source(iot._mtls_build_ssl_context, "ctx.verify_mode = ssl.CERT_OPTIONAL")

    @changes.around(iot, "_mtls_build_ssl_context")
    def build_ssl_context(build: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = build()
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def add_elliptic(changes: Changes, host_names: Iterable[str] = ()) -> None:
    """Add the broker's second certificate, and more host names."""
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
    """The TLS context of the gateway's HTTPS listener."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificates(context)
    return context


def load_certificates(context: ssl.SSLContext) -> None:
    """Load the cloud's certificates into a TLS context; needed again after a reset."""
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
