"""Reads the CA's key once instead of once for each certificate.

MiniStack loads its RSA key from PEM for every certificate it signs, and cryptography checks the
key each time: some 50 ms of CPU, many times what the rest of a registry call takes. A fleet of a
thousand would spend most of its making there. The key does not change while the cloud runs; a
reset makes another one, whose PEM is another one, too.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ministack.core import x509_utils

from otactl.cloud.ministack.shape import Changes, require, require_source

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_KEYS = 4
_LOAD = 'serialization.load_pem_private_key(ca_key_pem.encode("utf-8"), password=None)'


def install(changes: Changes) -> None:
    """Put a remembering loader in the place of cryptography's, for MiniStack's module alone."""
    # MiniStack imports cryptography at the first certificate; that must not undo what we do here.
    x509_utils._require_crypto()
    serialization: Any = x509_utils.serialization
    require(hasattr(serialization, "load_pem_private_key"), "x509_utils.serialization")
    require_source(x509_utils.sign_certificate_request, _LOAD)

    @functools.lru_cache(maxsize=_KEYS)
    def load_pem_private_key(pem: bytes, password: bytes | None = None) -> PrivateKeyTypes:
        key: PrivateKeyTypes = serialization.load_pem_private_key(pem, password=password)
        return key

    names = {name: getattr(serialization, name) for name in dir(serialization)}
    remembering = SimpleNamespace(**names | {"load_pem_private_key": load_pem_private_key})
    changes.put(x509_utils, "serialization", remembering)
