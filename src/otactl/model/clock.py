"""The clock that an operation passes to its steps, as a Protocol."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, and the user's request to stop."""

    def now_ms(self) -> int:
        """Epoch milliseconds, as the wall clock shows them; it may jump."""

    def monotonic_ms(self) -> int:
        """Milliseconds since some instant, never set forward or back: for durations."""

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Interrupted: The user asked to stop; raised at once, not at the end of the wait.
        """

    def check(self) -> None:
        """Raise if the user asked to stop.

        Raises:
            Interrupted: The user asked to stop.
        """

    def shield(self) -> None:
        """From now on neither ``sleep`` nor ``check`` raises: what follows is clean-up."""
