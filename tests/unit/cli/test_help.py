"""Help at 80 and at 200 columns: paragraphs flow, flags name no value, examples can be typed."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest
import typer

from otactl.cli.help import commands_of
from otactl.cli.main import app
from otactl.views.command_examples import EXAMPLES

PANEL = re.compile("[\N{BOX DRAWINGS LIGHT ARC DOWN AND RIGHT}]")


@pytest.fixture(scope="module")
def command():
    return typer.main.get_command(app)


def test_every_command_has_two_examples(command) -> None:
    names = {name for name, each in commands_of(command) if not hasattr(each, "commands")}
    assert names == set(EXAMPLES)
    assert all(len(examples) == 2 for examples in EXAMPLES.values())


def words_of(example: str) -> list[str]:
    """What is typed behind ``otactl``; a pipe, a redirection and a substitution are the shell's."""
    inside = re.search(r"\$\(otactl ([^)]*)\)", example)
    return shlex.split(re.split(r"[|>]", inside[1] if inside else example)[0])


@pytest.mark.parametrize(("name", "example"), [(n, e) for n, es in EXAMPLES.items() for e in es])
def test_an_example_is_a_command_that_can_be_typed(command, name: str, example: str) -> None:
    words = words_of(example)
    group = command
    for part in name.split():
        assert words.pop(0) == part
        group = group.commands[part]
    with group.make_context(name, words, resilient_parsing=False) as context:
        assert context.command is group


@pytest.mark.parametrize("columns", [80, 200])
def test_paragraphs_flow_and_flags_name_no_value(
    monkeypatch, capsys, command, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in EXAMPLES:
        command.main([*name.split(), "--help"], prog_name="otactl", standalone_mode=False)
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert not [line for line in lines if "<bool>" in line], name
        assert max(map(len, lines)) <= columns
        assert " Examples:" in lines, name
        panels = next(n for n, line in enumerate(lines) if PANEL.search(line))
        for before, after in pairwise(lines[:panels]):
            if before.strip() and after.strip() and "Usage:" not in before:
                room = columns - 1 - len(before)
                assert len(after.split()[0]) >= room - 1, (name, before, after)


def test_help_says_n_and_if(command, capsys) -> None:
    for name in ("", *EXAMPLES):
        command.main([*name.split(), "--help"], prog_name="otactl", standalone_mode=False)
        text = " ".join(capsys.readouterr().out.lower().split())
        assert not re.findall(r"\bso many\b|\bso long\b|\bwhoever\b", text), name
