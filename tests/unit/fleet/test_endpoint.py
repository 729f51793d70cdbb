"""Devices trust the CA they were given, or the few roots that AWS IoT uses."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from otactl.errors import LocalResourceMissing
from otactl.fleet.endpoint import FleetEndpoint, aws_roots

if TYPE_CHECKING:
    from pathlib import Path


class _Roots(ssl.SSLContext):
    """A context with roots of the test's own."""

    def get_ca_certs(self, binary_form: bool = False) -> list[object]:  # type: ignore[override]  # noqa: FBT001, FBT002  # as in ssl
        organisations = ["Amazon", "Somebody", "Starfield Technologies, Inc."]
        if binary_form:
            return [name.encode() for name in organisations]
        return [
            {"subject": ((("countryName", "US"),), (("organizationName", name),))}
            for name in organisations
        ]


def test_of_the_systems_roots_only_amazons_are_taken() -> None:
    assert aws_roots(_Roots(ssl.PROTOCOL_TLS_CLIENT)) == b"AmazonStarfield Technologies, Inc."


def test_a_ca_file_is_all_that_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("PEM")

    assert FleetEndpoint("h", 1, str(path)).trusted == "PEM"


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalResourceMissing, match=r"nowhere\.pem cannot be read"):
        _ = FleetEndpoint("h", 1, str(tmp_path / "nowhere.pem")).trusted


def test_a_ca_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("no certificate")

    with pytest.raises(LocalResourceMissing, match=r"empty\.pem holds no certificate"):
        FleetEndpoint("h", 1, str(path)).require_trust()
