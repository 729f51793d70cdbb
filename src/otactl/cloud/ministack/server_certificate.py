"""The cloud's certificates: an elliptic key for clients that support it, RSA for the others.

Signing with RSA is most of what a TLS handshake costs the server: a sixth of the processor time of
a large rollout. AWS has both kinds of certificates, too.

The gateway's listener for HTTPS has them too.

Touched, in ``ministack.services.iot``: ``_mtls_build_ssl_context`` is wrapped to load a second
certificate of the same names, made as ``_mtls_ensure_server_cert`` makes the first, and
``_mtls_server_cert_sans`` to add the names the cloud was started with.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable

from ministack.core.x509_utils import sign_leaf_certificate
from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters, require_source


def install(host_names: Iterable[str] = ()) -> None:
    """Put it in place.

    Args:
        host_names: By which the cloud is asked, beside those of the loopback.

    Raises:
        ShapeChanged: MiniStack makes its TLS context in another way.
    """
    build = iot._mtls_build_ssl_context
    require_parameters(build)
    require_source(build, "ctx.load_cert_chain(chain_path)")
    require_source(iot._mtls_ensure_server_cert, "common_name=dns_names[0]")
    require_source(sign_leaf_certificate, 'if key_type == "ec256"')

    def build_ssl_context() -> ssl.SSLContext:
        context: ssl.SSLContext = build()
        _load_elliptic(context)
        return context

    named, more = iot._mtls_server_cert_sans, list(host_names)

    def server_cert_sans() -> tuple[list[str], list[str]]:
        names, addresses = named()
        return [*names, *more], addresses

    iot._mtls_build_ssl_context = build_ssl_context
    iot._mtls_server_cert_sans = server_cert_sans


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
