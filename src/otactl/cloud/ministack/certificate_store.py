"""An index of certificates by id, and of those that no trusted CA signed.

At each TLS handshake MiniStack searches all certificates of all accounts twice: for trust anchors,
and for the device's certificate. Here the anchors are collected when certificates are stored,
without those signed by the cloud's own CA, which is trusted itself; the device's certificate is
found by its id.

MiniStack also loads its RSA key from PEM for every certificate it signs, and cryptography checks
the key each time: some 50 ms of CPU, many times the rest of a registry call, and most of the time
that it takes to create a fleet of a thousand. Here the key is loaded once: it does not change while
the cloud runs; a reset creates another key with another PEM.

Touched, in ``ministack.services.iot``: ``_certificates`` is replaced by a store with both indexes;
``_mtls_trust_anchors`` and ``_mtls_active_registrations`` are replaced; ``_create_policy`` is
wrapped, so that one of a policy's many targets is found at once. And in
``ministack.core.x509_utils``: the name ``serialization`` is replaced by a loader with a cache.
"""

from __future__ import annotations

import functools
import hashlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ministack.core import x509_utils
from ministack.core.responses import AccountRegionScopedDict
from ministack.core.x509_utils import certificate_is_signed_by
from ministack.services import iot

from otactl.cloud.ministack.answer import OK
from otactl.cloud.ministack.member_list import MemberList
from otactl.cloud.ministack.shape import Changes, require, require_source

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_KEYS = 4
_LOAD = 'serialization.load_pem_private_key(ca_key_pem.encode("utf-8"), password=None)'


class CertificateStore(AccountRegionScopedDict):  # type: ignore[misc]  # MiniStack has no types
    """MiniStack's certificates by id, with an index over accounts."""

    __slots__ = ("_holders", "anchors")

    def __init__(self) -> None:
        super().__init__()
        #: PEM by id of those not signed by the cloud's own CA. Never removed, as in MiniStack:
        #: each connection is checked again.
        self.anchors: dict[str, str] = {}
        self._holders: dict[str, dict[tuple[str, str], None]] = {}

    def __setitem__(self, certificate_id: str, record: dict[str, Any]) -> None:
        account_id, region, _ = self._scoped(certificate_id)
        holders = self._holders.setdefault(certificate_id, {})
        if not holders:
            pem = record.get("certificatePem") or ""
            if not certificate_is_signed_by(pem, iot.get_ca_cert_pem()):
                self.anchors[certificate_id] = pem
        holders[account_id, region] = None
        super().__setitem__(certificate_id, record)

    def __delitem__(self, certificate_id: str) -> None:
        super().__delitem__(certificate_id)
        account_id, region, _ = self._scoped(certificate_id)
        holders = self._holders[certificate_id]
        del holders[account_id, region]
        if not holders:
            del self._holders[certificate_id]

    def clear(self) -> None:
        """Remove all."""
        self.anchors.clear()
        self._holders.clear()
        super().clear()

    def registrations(self, certificate_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Account, region and record of each registration of a certificate."""
        return [
            (account_id, region, self._data[account_id, region, certificate_id])
            for account_id, region in self._holders.get(certificate_id, {})
        ]


def install(changes: Changes) -> None:
    """Install the store."""
    require(
        type(iot._certificates) is AccountRegionScopedDict and not iot._certificates.has_any(),
        "iot._certificates, an empty AccountRegionScopedDict",
    )
    require_source(iot._mtls_trust_anchors, "for store in (_ca_certificates, _certificates)")
    require_source(iot._mtls_refresh_trust_anchors, "in _mtls_trust_anchors()")
    require_source(iot._create_policy, '"targets": []')
    store = CertificateStore()

    def trust_anchors() -> list[tuple[str, str]]:
        local = iot.get_ca_cert_pem()
        found = [(hashlib.sha256(local.encode()).hexdigest(), local)]
        for (_, _, certificate_id), record in iot._ca_certificates.all_items():
            found.append((certificate_id, record.get("certificatePem") or ""))
        return [(key, pem) for key, pem in (*found, *store.anchors.items()) if pem.strip()]

    def active_registrations(
        cert_id: str, status: str | None = "ACTIVE"
    ) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            found
            for found in store.registrations(cert_id)
            if status is None or found[2].get("status") == status
        ]

    @changes.around(iot, "_create_policy")
    def create_policy_of_many(create_policy: Any, name: str, payload: dict[str, Any]) -> Any:
        answer = create_policy(name, payload)
        if answer[0] == OK:
            iot._policies[name]["targets"] = MemberList()
        return answer

    changes.put(iot, "_certificates", store)
    changes.put(iot, "_mtls_trust_anchors", trust_anchors)
    changes.put(iot, "_mtls_active_registrations", active_registrations, "cert_id", "status")


def remember_ca_key(changes: Changes) -> None:
    """Replace cryptography's loader by one with a cache, only in MiniStack's module."""
    # MiniStack imports cryptography at the first certificate; import it first, or it undoes this.
    x509_utils._require_crypto()
    serialization: Any = x509_utils.serialization
    require(hasattr(serialization, "load_pem_private_key"), "x509_utils.serialization")
    require_source(x509_utils.sign_certificate_request, _LOAD)

    @functools.lru_cache(maxsize=_KEYS)
    def load_pem_private_key(pem: bytes, password: bytes | None = None) -> PrivateKeyTypes:
        key: PrivateKeyTypes = serialization.load_pem_private_key(pem, password=password)
        return key

    names = {name: getattr(serialization, name) for name in dir(serialization)}
    caching = SimpleNamespace(**names | {"load_pem_private_key": load_pem_private_key})
    changes.put(x509_utils, "serialization", caching)
