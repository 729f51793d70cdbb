"""``otactl forecast --suggest``: what is wished for, and looking for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options
from otactl.errors import UserMistake

if TYPE_CHECKING:
    from otactl.forecast.ensemble import Scenario
    from otactl.forecast.suggest import Goal

SUGGEST_PANEL = "Suggest a rollout"
#: What a search that finds nothing exits with.
NOTHING_FOUND = 1

WithinOption = Annotated[
    str | None,
    typer.Option(
        "--within",
        metavar="DURATION",
        help="A healthy fleet has finished by then: 90m, 4h, 2d.",
        rich_help_panel=SUGGEST_PANEL,
    ),
]
MaxBrickedOption = Annotated[
    int | None,
    typer.Option(
        "--max-bricked",
        min=0,
        metavar="N",
        help="A bad image bricks no more things than that, 19 times in 20.",
        rich_help_panel=SUGGEST_PANEL,
    ),
]
FinishOption = Annotated[
    float,
    typer.Option(
        "--finish",
        min=1,
        max=100,
        metavar="PERCENT",
        help="How much of the fleet has to finish.",
        rich_help_panel=SUGGEST_PANEL,
    ),
]
FalseAlarmOption = Annotated[
    float,
    typer.Option(
        "--false-alarm",
        min=0.0001,
        max=0.5,
        metavar="SHARE",
        help="How likely a healthy fleet may trip the abort.",
        rich_help_panel=SUGGEST_PANEL,
    ),
]


def read_goal(
    within: str | None,
    max_bricked: int | None,
    failure_rate: float | None,
    *,
    finish: float,
    false_alarm: float,
) -> Goal:
    """What --suggest is to look for.

    Raises:
        UserMistake: Something is missing or is no duration.
    """
    from otactl.forecast.suggest import Goal
    from otactl.operations.duration import parse_duration

    given = {"--within": within, "--max-bricked": max_bricked, "--failure-rate": failure_rate}
    missing = [flag for flag, value in given.items() if value is None]
    if within is None or max_bricked is None or failure_rate is None:
        raise UserMistake(
            f"--suggest needs {' and '.join(missing)}",
            hint="for example --suggest --within 4h --max-bricked 100 --failure-rate 0.05",
        )
    return Goal(
        within_seconds=parse_duration(within, flag="--within"),
        max_bricked=max_bricked,
        failure_rate=failure_rate,
        finish_percent=finish,
        false_alarm=false_alarm,
    )


def print_best(scenario: Scenario, goal: Goal, output: options.OutputFormat) -> None:
    """Look for a rollout that keeps the wish; exit with 1 when there is none."""
    from otactl.cli.terminal import print_json, stderr_console, stdout_console
    from otactl.forecast.suggest import suggest
    from otactl.views.suggestion_table import print_suggestion
    from otactl.views.work_bar import WorkBar

    with WorkBar(stderr_console()) as bar:
        found = suggest(scenario, goal, bar.on_step)
    if output is options.JSON:
        print_json(found.to_fields())
    else:
        print_suggestion(stdout_console(), found)
    if found.setting is None:
        raise typer.Exit(NOTHING_FOUND)
