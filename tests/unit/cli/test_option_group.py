"""Options that commands share arrive as one argument, whichever way the command is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.testing import CliRunner

from otactl.cli.option_group import grouped
from otactl.cli.options import StoredLocation
from otactl.cli.queue.options import DEFAULT_TABLE, Queue, QueueLocation
from otactl.operations.location_options import LocationOptions

app = typer.Typer()
SEEN: list[object] = []


@app.command()
@grouped
def watch(
    job: Annotated[str, typer.Argument(metavar="JOB")],
    *,
    where: StoredLocation,
    often: Annotated[int, typer.Option("--often")] = 3,
) -> None:
    """Watch JOB."""
    SEEN[:] = [job, where, often]


@app.command()
@grouped
def add(*, queue: Queue) -> None:
    """Add something."""
    SEEN[:] = [queue]


def test_the_options_become_one_value_and_the_others_stay():
    arguments = ["watch", "j", "--profile", "ota", "--state-dir", "s", "--often", "5"]
    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 0, ran.output
    assert ["j", LocationOptions(profile="ota", state_dir=Path("s")), 5] == SEEN


def test_an_option_that_means_nothing_to_a_command_is_refused():
    ran = CliRunner().invoke(app, ["watch", "j", "--region", "us-east-1"])

    assert ran.exit_code == 2
    assert "--region" in ran.output


def test_the_environment_answers_what_the_command_line_does_not():
    environment = {"AWS_ENDPOINT_URL": "http://here", "OTACTL_QUEUE_TABLE": "mine"}
    assert CliRunner().invoke(app, ["add"], env=environment).exit_code == 0

    assert [QueueLocation(table="mine", endpoint_url="http://here")] == SEEN


def test_python_calls_a_command_with_the_value_or_without():
    watch("j", where=LocationOptions(profile="ota"))
    assert ["j", LocationOptions(profile="ota"), 3] == SEEN

    add()
    assert [QueueLocation(table=DEFAULT_TABLE)] == SEEN
