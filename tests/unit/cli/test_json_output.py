"""``--output json``: one object on standard output whatever happens, with a schema for it."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
import typer
from scripts.dev.json_outputs import OUTPUTS
from scripts.dev.write_schemas import FOLDER, schemas, text_of
from tests.support.output_schema import check_output

from otactl.cli.help import commands_of
from otactl.cli.main import ErrorBoundary, app

COMMAND = typer.main.get_command(app)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        COMMAND.main(list(arguments), prog_name="otactl")
    return int(ended.value.code or 0)


def test_the_schemas_are_those_of_the_code() -> None:
    expected = {f"{name}.json": text_of(schema) for name, schema in schemas()}

    # Mend it with: make schemas
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == expected


def test_every_command_that_offers_json_has_a_schema() -> None:
    assert {name for name, each in commands_of(COMMAND) if has_output(each)} == set(OUTPUTS)


def has_output(command) -> bool:
    return any(each.name == "output" for each in command.params)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("validate", "--output", "json", "--nonsense", "dev.ini"), "No such option: --nonsense"),
        (("--nonsense", "history", "--output=json"), "No such option: --nonsense"),
        (("validate", "-o", "json"), "Missing argument 'FILE'"),
        (("queue", "list", "--limit", "many", "-o", "json"), "Invalid value for '--limit'"),
        (("queue", "lisst", "-ojson"), "No such command 'lisst'"),
        (("report", "job", "--format", "json", "--details", "-1"), "'--details'"),
    ],
    ids=["option", "option of otactl", "argument", "value", "command", "format"],
)
def test_a_mistake_in_the_command_line_is_an_object_too(capsys, arguments, words: str) -> None:
    assert run(*arguments) == 2
    written = capsys.readouterr()
    check_output(arguments, written.out)
    error = json.loads(written.out)["error"]
    assert words in error["message"]
    assert error["exitCode"] == 2
    assert "Usage: otactl" in written.err


def test_without_json_a_mistake_leaves_standard_output_alone(capsys) -> None:
    assert run("validate", "--nonsense") == 2
    assert capsys.readouterr().out == ""


def test_after_a_no_there_is_an_object(capsys) -> None:
    asking = typer.Typer(cls=ErrorBoundary)

    @asking.callback()
    def options() -> None:
        """Make it a group, as otactl is."""

    @asking.command()
    def delete(output: Annotated[str, typer.Option()]) -> None:
        raise typer.Exit(1)

    with pytest.raises(SystemExit) as ended:
        typer.main.get_command(asking).main(["delete", "--output", "json"], prog_name="asking")
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "nothing was done"
