"""No device without a certificate.

MiniStack's MQTT listener serves a client that shows no certificate, in the default account and
held to no policy, even with ``AUTH=true``. AWS IoT ends such a handshake (Developer Guide, client
authentication); here it would be a way around every policy that a rehearsal is to prove.

Touched: ``ministack.services.iot._mtls_build_ssl_context`` is wrapped to ask for a certificate.
"""

from __future__ import annotations

import functools
import ssl
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters, require_source


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack makes its TLS context in another way.
    """
    build = iot._mtls_build_ssl_context  # noqa: SLF001
    require_parameters(build)
    require_source(build, "ctx.verify_mode = ssl.CERT_OPTIONAL")

    @functools.wraps(build)
    def build_ssl_context() -> Any:
        context = build()
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    iot._mtls_build_ssl_context = build_ssl_context  # noqa: SLF001
