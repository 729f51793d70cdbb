"""What goes into a pipe: no blanks at the ends of lines, however wide a table is drawn."""

from __future__ import annotations

from rich.table import Table

from otactl.cli import terminal


def table() -> Table:
    drawn = Table(box=None)
    drawn.add_column("name")
    drawn.add_column("note")
    drawn.add_row("a", "")
    drawn.add_row("much longer", "said")
    return drawn


def test_a_table_in_a_pipe_has_no_trailing_blanks(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    terminal.stdout_console().print(table())

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines[1].split() == ["a"]
