"""Where devices report their version."""

from __future__ import annotations

import pytest

from otactl.fleet.running_image import DEFAULT_VERSION_SOURCES, version_sources
from otactl.model.thing_state import VersionSource

CLASSIC, PACKAGE = DEFAULT_VERSION_SOURCES


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        (None, (CLASSIC, PACKAGE)),
        (VersionSource(version_path=("fw",)), (VersionSource(version_path=("fw",)), PACKAGE)),
        (
            VersionSource(shadow="pump", version_path=("fw",)),
            (VersionSource(shadow="pump", version_path=("fw",)), CLASSIC, PACKAGE),
        ),
    ],
)
def test_devices_report_where_the_file_asks_for_it_and_to_the_other_shadows(
    asked: VersionSource | None, reported: tuple[VersionSource, ...]
) -> None:
    assert version_sources(asked) == reported
