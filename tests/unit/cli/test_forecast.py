"""Numbers that no forecast can be made of are mistakes of the command line."""

from __future__ import annotations

from typer.testing import CliRunner

from otactl.cli.main import app


def test_an_approval_that_takes_ages_is_refused() -> None:
    arguments = ["forecast", "dev.ini", "--approval-minutes", "99999999999"]
    run = CliRunner().invoke(app, [*arguments, "--output", "json"])

    assert run.exit_code == 2
    assert "Invalid value for '--approval-minutes'" in run.output
