"""The events of a stack as they happen, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.aws.stack_event import StackEvent


class StackProgress:
    """Prints events; what merely begins is left out, what fails says why.

    Args:
        console: Where to; standard error, so that results stay alone on standard output.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, event: StackEvent) -> None:
        """Print one event."""
        words = event.status.replace("_", " ").lower()
        if event.is_failure:
            self._console.print(f"[red]✗[/] {escape(str(event))}", soft_wrap=True)
        elif event.status.endswith("_COMPLETE"):
            self._console.print(
                f"[green]✓[/] {escape(event.logical_id)} [dim]{escape(event.resource_type)}[/]"
                f" {words}",
                soft_wrap=True,
            )
        elif event.reason and "ROLLBACK" in event.status:
            self._console.print(f"[yellow]{words}:[/] {escape(event.reason)}", soft_wrap=True)
