"""How an operation notifies its caller while it runs, and the one question it may ask.

The base class is silent, for Python code that calls an operation; ``cli.frontend`` overrides it for
a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from otactl.deploy.observer import Observer
from otactl.errors.problem import Problem
from otactl.operations.clock import CommandClock


class Frontend:
    """A silent caller. Override what is shown or answered."""

    def note(self, message: str) -> None:
        """Show information beside the result."""

    def warn(self, message: str) -> None:
        """Show what may need action."""

    def warn_of_retry(self, what: str = "") -> Callable[[str, float], None]:
        """What ``rules.backoff.Retry`` calls before a pause: warns of the failure."""
        return lambda why, seconds: self.warn(f"{what}{why}; next try in {seconds:g} s")

    def warn_of(self, problems: Iterable[Problem]) -> None:
        """Show problems of a configuration that is usable anyway."""

    def show_progress(self, *, rounds: int, things: int) -> AbstractContextManager[Observer]:  # noqa: ARG002  # for those who override it
        """Show a deployment while the block runs: the observer is notified of each event."""
        return nullcontext(Observer())

    def handle_signals(
        self,
        clock: CommandClock,  # noqa: ARG002
        doing: str,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """While the block runs, let signals stop the clock; as a library, handle none.

        Args:
            clock: Is asked to stop at the first signal.
            doing: What happens after a stop, for people; may be empty.
        """
        return nullcontext()

    def wants_deletion(self, job_id: str) -> bool:  # noqa: ARG002
        """Whether the job of an interrupted deployment is deleted; else it continues in AWS."""
        return False


class ObservedFrontend(Frontend):
    """Passes all messages on to one observer.

    Args:
        observer: Is notified; notes and warnings reach ``on_note``.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def note(self, message: str) -> None:
        """Pass it on."""
        self._observer.on_note(message)

    def warn(self, message: str) -> None:
        """Pass it on."""
        self._observer.on_note(f"warning: {message}")

    def warn_of(self, problems: Iterable[Problem]) -> None:
        """Pass each on."""
        for problem in problems:
            self.warn(str(problem))

    def show_progress(self, *, rounds: int, things: int) -> AbstractContextManager[Observer]:  # noqa: ARG002
        """Let the observer be notified."""
        return nullcontext(self._observer)
