"""Who is notified of what a journal was given, to keep it elsewhere too."""

from __future__ import annotations

from typing import Protocol

from otactl.model.outcome import RoundResult


class JournalListener(Protocol):
    """Is notified after an entry was written; it may raise to stop the deployment."""

    def on_entered(self) -> None:
        """A step is further, a gate was judged, or a group is filled further."""

    def on_round_entered(self, result: RoundResult) -> None:
        """The journal has a round's result."""

    def on_phase_entered(self) -> None:
        """The deployment is that far."""
