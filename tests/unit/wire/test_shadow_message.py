"""What a device publishes to its shadows."""

from __future__ import annotations

import json

import pytest

from otactl.model.thing_state import VersionSource
from otactl.wire.shadow_message import encode_version_report, shadow_update_topic


@pytest.mark.parametrize(
    ("source", "version", "reported"),
    [
        (
            VersionSource(version_path=("version",), boot_count_path=("boots",)),
            "1.2",
            {"version": "1.2", "boots": 7},
        ),
        (
            VersionSource(version_path=("fw", "version"), boot_count_path=("fw", "sys", "boots")),
            "1.2",
            {"fw": {"version": "1.2", "sys": {"boots": 7}}},
        ),
        (
            VersionSource(shadow="$package", version_path=("p", "version")),
            "1.2",
            {"p": {"version": "1.2"}},
        ),
        # null would delete what stands there.
        (VersionSource(version_path=("version",), boot_count_path=("boots",)), None, {"boots": 7}),
    ],
)
def test_version_and_boots_stand_where_the_source_says(
    source: VersionSource, version: str | None, reported: dict[str, object]
) -> None:
    payload = encode_version_report(source, version, 7)

    assert json.loads(payload) == {"state": {"reported": reported}}


def test_a_named_shadow_has_a_topic_of_its_own() -> None:
    assert shadow_update_topic("t") == "$aws/things/t/shadow/update"
    assert shadow_update_topic("t", "$package") == "$aws/things/t/shadow/name/$package/update"
