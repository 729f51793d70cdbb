"""Which source the monitor relies on: a small state machine, and its note for the user.

| state | and then | next |
|---|---|---|
| POLLING | events begin | CATCHING_UP: what happened before is polled |
| CATCHING_UP | everything that had ended is known | EVENTS |
| CATCHING_UP, EVENTS | the connection is lost | POLLING, and the user is notified |
| EVENTS | things ended without an event | POLLING, and the user is notified |
| POLLING | an event comes after all, or the connection is back | CATCHING_UP |

In every state but EVENTS the service is polled at every interval: nothing depends on the broker.
"""

from __future__ import annotations

from enum import Enum

from otactl.model.progress import Source


class FeedState(Enum):
    """Whether events are relied on."""

    POLLING = "polling"
    CATCHING_UP = "catching up"
    EVENTS = "events"


class Feed:
    """The source that is relied on, and a note for the user if it is not events."""

    def __init__(self, *, expects_events: bool) -> None:
        self.state = FeedState.POLLING
        self.note = "connecting to the broker for events" if expects_events else ""

    @property
    def source(self) -> Source:
        """The source of the counts that are shown."""
        return Source.EVENTS if self.state is FeedState.EVENTS else Source.POLLING

    def connected(self) -> None:
        """Events begin."""
        self.state = FeedState.CATCHING_UP
        self.note = "asking for what happened before the first event"

    def caught_up(self) -> None:
        """Everything that had ended is known."""
        if self.state is FeedState.CATCHING_UP:
            self.state = FeedState.EVENTS
            self.note = ""

    def lost(self, reason: str) -> None:
        """Events have stopped."""
        self.state = FeedState.POLLING
        self.note = f"events stopped ({reason}); polling instead"

    def missed(self) -> None:
        """Something happened that no event reported."""
        self.lost("things ended that no event reported")
