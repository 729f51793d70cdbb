"""The help of ``otactl`` itself: its options and its commands under their headings.

typer's own help parses Markdown and highlights code; those imports take longer than everything
else that this page needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from otactl.views.command_index import INDEX
from otactl.views.console import Console


def print_commands(
    console: Console, usage: str, about: str, options: Sequence[tuple[str, str]]
) -> None:
    """Print the page."""
    console.print(Padding(Text.assemble(("Usage: ", "yellow"), (usage, "bold")), 1))
    console.print(Padding(Text(about), (0, 1, 1, 1)))
    panels: dict[str, list[tuple[str, str]]] = {"Options": list(options)}
    for name, entry in INDEX.items():
        panels.setdefault(entry.panel, []).append((name, entry.about))
    wide = max(len(name) for name in INDEX)
    for title, rows in panels.items():
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold cyan", no_wrap=True, min_width=wide)
        table.add_column()
        for name, does in rows:
            table.add_row(name, Text(does))
        console.print(Panel(table, title=title, title_align="left", border_style="dim"))
