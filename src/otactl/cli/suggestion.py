"""``otactl forecast --suggest``: the options of the goal, and the search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options
from otactl.cli.option_group import OptionGroup
from otactl.errors import UserMistake

if TYPE_CHECKING:
    from otactl.forecast.ensemble import Scenario
    from otactl.forecast.suggest.goal import Goal

SUGGEST_PANEL = "Suggest a rollout"
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalOptions:
    """The goal of ``--suggest``."""

    within: Annotated[
        str | None,
        options.under(
            SUGGEST_PANEL,
            "Time within which a healthy fleet finishes: 90m, 4h, 2d.",
            metavar="DURATION",
        ),
    ] = None
    max_bricked: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="A bad image bricks at most N things, 19 times in 20.",
            rich_help_panel=SUGGEST_PANEL,
        ),
    ] = None
    finish: Annotated[
        float,
        typer.Option(
            min=1,
            max=100,
            metavar="PERCENT",
            help="Percentage of the fleet that must finish.",
            rich_help_panel=SUGGEST_PANEL,
        ),
    ] = 95.0
    false_alarm: Annotated[
        float,
        typer.Option(
            min=0.0001,
            max=0.5,
            metavar="SHARE",
            help="Accepted probability that a healthy fleet is aborted.",
            rich_help_panel=SUGGEST_PANEL,
        ),
    ] = 0.01

    @property
    def is_given(self) -> bool:
        """Whether the command line has a goal."""
        return self.within is not None or self.max_bricked is not None

    def goal(self, failure_rate: float | None) -> Goal:
        """The goal, for an image that fails at a rate.

        Raises:
            UserMistake: An option is missing, or is not a duration.
        """
        from otactl.forecast.suggest.goal import Goal

        needed = (self.within, self.max_bricked, failure_rate)
        if self.within is None or self.max_bricked is None or failure_rate is None:
            flags = ("--within", "--max-bricked", "--failure-rate")
            missing = [flag for flag, value in zip(flags, needed, strict=True) if value is None]
            raise UserMistake(
                f"--suggest needs {' and '.join(missing)}",
                hint="for example --suggest --within 4h --max-bricked 100 --failure-rate 0.05",
            )
        return Goal(
            within_seconds=parse_duration(self.within, flag="--within"),
            max_bricked=self.max_bricked,
            failure_rate=failure_rate,
            finish_percent=self.finish,
            false_alarm=self.false_alarm,
        )


def parse_duration(text: str, *, flag: str) -> float:
    """The seconds of ``90m``, ``4h``, ``2d`` or ``1h30m``; a message names the flag.

    Raises:
        UserMistake: It is not a duration.
    """
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        raise UserMistake(
            f"{flag}: {text!r} is no duration", hint="write 90m, 4h, 2d or 1h30m, for example"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


#: The options of GoalOptions as one argument.
Suggesting = Annotated[GoalOptions, OptionGroup(GoalOptions)]


def print_best(scenario: Scenario, goal: Goal, output: options.OutputFormat) -> None:
    """Search for a rollout that meets the goal; exit with 1 if none is found."""
    from otactl.cli.terminal import print_json, stderr_console, stdout_console
    from otactl.forecast.suggest.search import suggest
    from otactl.views.suggestion_table import print_suggestion
    from otactl.views.work_bar import WorkBar

    with WorkBar(stderr_console()) as bar:
        found = suggest(scenario, goal, bar.on_step)
    if output is options.JSON:
        print_json(found.to_fields())
    else:
        print_suggestion(stdout_console(), found)
    if found.setting is None:
        raise typer.Exit(1)
