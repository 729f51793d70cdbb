"""The terminal as the frontend of an operation: progress and notes on standard error, signals."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager

from otactl.cli import terminal
from otactl.cli.signals import handle_signals
from otactl.deploy.observer import Observer
from otactl.errors.problem import Problem
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend


class TerminalFrontend(Frontend):
    """Shows the messages of an operation on standard error."""

    def note(self, message: str) -> None:
        """Print it."""
        terminal.note(message)

    def warn(self, message: str) -> None:
        """Print it as a warning."""
        terminal.warn(message)

    def warn_of(self, problems: Iterable[Problem]) -> None:
        """Print each with its file and line."""
        terminal.print_warnings(problems)

    def show_progress(self, *, rounds: int, things: int) -> AbstractContextManager[Observer]:
        """Show bars while the block runs."""
        from otactl.views.deploy_progress import DeployProgress

        return DeployProgress(
            terminal.stderr_console(),
            rounds=rounds,
            things=things,
            now_ms=lambda: time.time_ns() // 1_000_000,
        )

    def handle_signals(self, clock: CommandClock, doing: str) -> AbstractContextManager[None]:
        """The first signal asks the clock to stop; the second one stops at once."""
        return handle_signals(clock, doing)

    def wants_deletion(self, job_id: str) -> bool:
        """Ask the user after Ctrl-C, if there is a terminal."""
        from otactl.cli.consent import wants_deletion

        return wants_deletion(job_id)
