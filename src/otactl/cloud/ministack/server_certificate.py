"""The broker's certificate: with an elliptic key for whoever can, an RSA one for the others.

Signing with RSA is most of what a TLS handshake costs the server: a sixth of the processor time of
a large rollout. AWS has both kinds of certificates, too.

Touched, in ``ministack.services.iot``: ``_mtls_build_ssl_context`` is wrapped to load a second
certificate of the same names, made as ``_mtls_ensure_server_cert`` makes the first.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from ministack.core.x509_utils import sign_leaf_certificate
from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters, require_source

if TYPE_CHECKING:
    import ssl


def install() -> None:
    """Put it in place.

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
        load_elliptic(context)
        return context

    iot._mtls_build_ssl_context = build_ssl_context


def load_elliptic(context: ssl.SSLContext) -> None:
    """Add a certificate with an elliptic key to a server's TLS context."""
    names, addresses = iot._mtls_server_cert_sans()
    certificate, key, _ = sign_leaf_certificate(
        *iot._ensure_ca(),
        common_name=names[0],
        san_dns=names,
        san_ips=addresses,
        key_type="ec256",
    )
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)
