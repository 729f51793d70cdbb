"""Whether AWS IoT saw a thing lately, so that it will probably answer a job (``preferRecent``)."""

from __future__ import annotations

from otactl.model.thing_state import ThingState

#: A thing that disconnected longer ago is not recent: a day, since many connect once a day.
RECENT_MS = 86_400_000


def is_recent(state: ThingState, now_ms: int) -> bool | None:
    """Whether a thing is connected, or was within a day; None if its connection is not known.

    Args:
        state: With its connection, as the fleet index or its source has it.
        now_ms: Epoch milliseconds.
    """
    if state.is_connected is None:
        return None
    return state.is_connected or now_ms - (state.connection_at_ms or 0) <= RECENT_MS
