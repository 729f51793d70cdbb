"""Asks the wizard's questions in a terminal, with questionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import questionary

from otactl.cli.terminal import stdout_console
from otactl.operations.wizard import Option


class TerminalAsker:
    """Asks at the terminal. Ctrl-C raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self._console = stdout_console()

    def say(self, text: str) -> None:
        """Print a dim line."""
        self._console.print(text, style="dim", markup=False)

    def text(self, question: str, *, default: str, check: Callable[[str], str | None]) -> str:
        """Ask for a text until it is valid."""
        asked = questionary.text(
            question, default=default, validate=lambda answer: check(answer) or True
        )
        return str(asked.unsafe_ask())

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask for yes or no."""
        return bool(questionary.confirm(question, default=default).unsafe_ask())

    def select(self, question: str, choices: Sequence[str], *, default: str) -> str:
        """Ask for one of the choices, with the arrow keys."""
        return str(questionary.select(question, choices=choices, default=default).unsafe_ask())

    def tick(self, question: str, options: Sequence[Option]) -> list[str]:
        """Ask for any of the options, with arrow keys and space bar."""
        choices = [
            questionary.Choice(title=option.title, value=option.value, checked=option.is_on)
            for option in options
        ]
        return list(questionary.checkbox(question, choices=choices).unsafe_ask())
