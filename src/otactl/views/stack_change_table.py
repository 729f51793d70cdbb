"""What a change set would do, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.aws.stack import ResourceChange

_ACTIONS = {"Add": "[green]add[/]", "Modify": "[yellow]change[/]", "Remove": "[red]remove[/]"}
_REPLACES = {"True": "[red]replaced[/]", "Conditional": "[yellow]perhaps replaced[/]"}


def print_changes(console: Console, name: str, changes: Sequence[ResourceChange]) -> None:
    """Print each resource that would change, in the order of the template's names."""
    table = Table(title=f"stack {escape(name)}: {len(changes)} changes")
    for heading in ("", "resource", "type", ""):
        table.add_column(heading)
    for change in sorted(changes, key=lambda change: (change.action, change.logical_id)):
        table.add_row(
            _ACTIONS.get(change.action, escape(change.action)),
            escape(change.logical_id),
            escape(change.resource_type),
            _REPLACES.get(change.replaces, ""),
        )
    console.print(table)


def print_parameters(console: Console, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Print the parameters, and what each was before when it changes."""
    for name in sorted(after):
        value = escape(after[name]) or "[dim]none[/]"
        changed = name in before and before[name] != after[name]
        note = f"  [dim](was {escape(before[name]) or 'none'})[/]" if changed else ""
        console.print(f"  {escape(name):<30} {value}{note}", soft_wrap=True)
