"""Which source the monitor relies on: a small state machine, and what it tells the user.

| state | and then | next |
|---|---|---|
| POLLING | events begin to come | CATCHING_UP: what happened before is asked for |
| CATCHING_UP | everything that had ended is known | EVENTS |
| CATCHING_UP, EVENTS | the connection is lost | POLLING, and the user is notified |
| EVENTS | things ended of which no event came | POLLING, and the user is notified |
| POLLING | an event comes after all, or the connection is back | CATCHING_UP |

While it is not EVENTS the service is asked at every interval, so nothing depends on the broker.
"""

from __future__ import annotations

from enum import Enum

from otactl.model.progress import Source


class FeedState(Enum):
    """How far events can be relied on."""

    POLLING = "polling"
    CATCHING_UP = "catching up"
    EVENTS = "events"


class Feed:
    """The source that is relied on, and why it is not the other one."""

    def __init__(self, *, expects_events: bool) -> None:
        self.state = FeedState.POLLING
        self.note = "connecting to the broker for events" if expects_events else ""

    @property
    def source(self) -> Source:
        """Whose counts to show."""
        return Source.EVENTS if self.state is FeedState.EVENTS else Source.POLLING

    def connected(self) -> None:
        """Events begin to come."""
        self.state = FeedState.CATCHING_UP
        self.note = "asking for what happened before the first event"

    def caught_up(self) -> None:
        """Everything that had ended is known."""
        if self.state is FeedState.CATCHING_UP:
            self.state = FeedState.EVENTS
            self.note = ""

    def lost(self, reason: str) -> None:
        """Events no longer come."""
        self.state = FeedState.POLLING
        self.note = f"events stopped ({reason}); polling instead"

    def missed(self) -> None:
        """Something happened that no event reported."""
        self.lost("things ended that no event reported")
