"""What the command line of a forecast takes, and how it names what it compares."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from otactl.cli.main import app


def test_an_approval_that_takes_ages_is_refused() -> None:
    arguments = ["forecast", "dev.ini", "--approval-minutes", "99999999999"]
    run = CliRunner().invoke(app, [*arguments, "--output", "json"])

    assert run.exit_code == 2
    assert "Invalid value for '--approval-minutes'" in run.output


def test_files_of_the_same_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "examples" / "dev.ini"
    paths = [tmp_path / folder / "dev.ini" for folder in ("mine", "yours")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(example.read_text("utf-8"))
    fleet = ["--things", "10", "--image-bytes", "1000", "--runs", "1"]
    mine, yours = map(str, paths)

    run = CliRunner().invoke(
        app, ["forecast", mine, "--compare", yours, *fleet, "--output", "json"]
    )

    found = json.loads(run.stdout)
    assert [found["name"], found["compared"][0]["name"]] == [mine, yours]
