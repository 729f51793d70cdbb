"""Which things AWS IoT saw lately."""

from __future__ import annotations

import pytest

from otactl.model.thing_state import ThingState
from otactl.rules.waves.membership import RECENT_MS, is_recent

NOW_MS = 100 * RECENT_MS


@pytest.mark.parametrize(
    ("connected", "since_ms", "recent"),
    [
        (True, NOW_MS - 50 * RECENT_MS, True),
        (False, NOW_MS - RECENT_MS, True),
        (False, NOW_MS - RECENT_MS - 1, False),
        (False, None, False),
        (None, None, None),
    ],
)
def test_a_thing_is_recent_if_it_is_connected_or_was_within_a_day(connected, since_ms, recent):
    state = ThingState(thing_name="a", is_connected=connected, connection_at_ms=since_ms)

    assert is_recent(state, NOW_MS) is recent
