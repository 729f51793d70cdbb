"""A value is made of its sections whole: a field that is renamed on one side is no default."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from otactl.model.configuration.build import filled
from otactl.model.configuration.deployment_section import ImageSection


@dataclass(frozen=True)
class Renamed:
    include_sha256: bool
    version: str | None = None


def test_a_field_that_no_section_has_is_refused_though_it_has_a_default() -> None:
    with pytest.raises(LookupError, match="no section has version of Renamed"):
        filled(Renamed, ImageSection())


def test_what_is_given_counts_more_than_what_a_section_says() -> None:
    made = filled(Renamed, ImageSection(), include_sha256=True, version="2")

    assert made == Renamed(include_sha256=True, version="2")
