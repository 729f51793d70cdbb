"""A time without end is refused where it is given: no clock can wait for it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from otactl.cli.main import app

OPTIONS = [
    ("deploy dev.ini", "--poll"),
    ("deploy dev.ini", "--max-wait"),
    ("fleet run", "--grace"),
    ("fleet run", "--install-seconds"),
    ("fleet run", "--max-wait"),
    ("fleet run", "--reboot-seconds"),
    ("monitor", "--silent"),
    ("queue run", "--idle"),
    ("rehearse dev.ini", "--max-wait"),
    ("resume", "--max-wait"),
    ("stack deploy", "--poll"),
    ("stack test", "--max-wait"),
]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_a_time_without_end_is_a_mistake_of_the_command_line(command: str, option: str) -> None:
    run = CliRunner().invoke(app, [*command.split(), option, "inf", "--output", "json"])

    assert run.exit_code == 2
    assert f"Invalid value for '{option}'" in run.output
