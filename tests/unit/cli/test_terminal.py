"""What is printed was often written by strangers; none of it may command the terminal."""

from __future__ import annotations

import pytest
from rich.markup import escape
from rich.table import Table

from otactl.cli import terminal
from otactl.errors import DeploymentFailed, JobAborted, ThingsFailed

EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.exe\x7f"
HARMLESS = "\ufffd]0;title"


def assert_harmless(text: str) -> None:
    assert not any(sign in text for sign in "\x1b\x07\x9b\x7f\u202e")


def test_an_error_that_quotes_a_device_commands_nothing(capsys):
    terminal.print_error(DeploymentFailed(f"pump-7 FAILED ({EVIL})", hint=EVIL))

    said = capsys.readouterr().err
    assert_harmless(said)
    assert HARMLESS in said


@pytest.mark.parametrize("notify", [terminal.note, terminal.warn])
def test_neither_does_a_note_nor_a_warning(capsys, notify):
    notify(EVIL)

    assert_harmless(capsys.readouterr().err)


def test_neither_does_a_cell_of_a_table(capsys):
    table = Table("thing", "reason")
    table.add_row("pump-7", escape(EVIL))

    terminal.stdout_console().print(table)

    said = capsys.readouterr().out
    assert_harmless(said)
    assert "pump-7" in said


def test_our_own_colours_lines_and_tabs_stay(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    terminal.stdout_console().print("[bold]one[/]\ntwo")

    assert capsys.readouterr().out == "\x1b[1mone\x1b[0m\ntwo\n"


def test_things_that_a_table_lists_are_not_named_again(capsys):
    failure = ThingsFailed("round 1: 1 of 3 things did not succeed", "t1 FAILED (flash full)")

    code = terminal.report_failure(failure, is_listed=True)

    assert code == 1
    assert "error: round 1: 1 of 3 things did not succeed" in " ".join(
        capsys.readouterr().err.split()
    )
    assert str(failure).endswith("t1 FAILED (flash full)")
    assert terminal.report_failure(failure) == 1
    assert "t1 FAILED" in capsys.readouterr().err


def test_a_failure_with_a_code_of_its_own_keeps_it_beside_a_table():
    assert terminal.report_failure(JobAborted("aborted"), is_listed=True) == 4
