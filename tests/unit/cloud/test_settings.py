from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from tests.unit.cloud.test_environment import SERVER

from otactl.cloud.settings import CloudSettings, ServerSettings
from otactl.errors import UserMistake


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"port": -1}, "--port -1"),
        ({"mqtt_port": 65536}, "--mqtt-port 65536"),
        ({"port": 5, "mqtt_port": 5}, "both 5"),
        ({"account_id": "1234"}, "'1234' is not an account id"),
        ({"account_id": "\uff11" * 12}, "is not an account id"),
        ({"region": "US-EAST-1"}, "'US-EAST-1' is not an AWS region"),
        ({"speed": 0}, "--speed 0"),
        ({"speed": -1}, "--speed -1"),
        ({"speed": 601}, "--speed 601"),
        ({"speed": float("nan")}, "--speed nan"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserMistake, match=message):
        CloudSettings(**changes)


def test_the_defaults_are_good() -> None:
    assert CloudSettings().port == 0


def test_the_child_reads_what_the_parent_wrote() -> None:
    assert ServerSettings.from_fields(asdict(SERVER)) == SERVER
