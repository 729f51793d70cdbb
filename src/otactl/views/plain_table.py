"""The tables of results on a terminal: without lines, title and caption to the left."""

from __future__ import annotations

from rich.table import Column, Table


def plain_table(
    *columns: Column | str, title: str | None = None, caption: str | None = None, gap: int = 2
) -> Table:
    """A table with these columns, ``gap`` blanks apart."""
    return Table(
        *columns,
        box=None,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )


def number_columns(*names: str) -> list[Column]:
    """Columns of numbers, aligned right."""
    return [Column(name, justify="right") for name in names]
