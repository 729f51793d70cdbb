"""A plan on the terminal: the steps in order, and what they cost in API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from otactl.views.foreign_text import escape
from otactl.views.wording import rounds_words

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.deploy.plan import Plan

#: Rounds are alike; beyond the first ones they are counted, not listed.
_LISTED_ROUNDS = 2


def print_plan(console: Console, plan: Plan) -> None:
    """Print what a deployment would do."""
    console.print(
        f"[bold]{escape(plan.source)}[/]: job {escape(plan.job_id)} on {plan.things:,} things,"
        f" {rounds_words(len(plan.rounds))},"
        f" account {plan.account}, {plan.region}",
        soft_wrap=True,
    )
    console.print(f"image sha256 {plan.image_sha256}", soft_wrap=True)
    number = 0
    for number, step in enumerate(plan.setup, start=1):
        console.print(f"{number:4}. {escape(step.title)}", soft_wrap=True)
    for round_number, steps in enumerate(plan.rounds[:_LISTED_ROUNDS], start=1):
        console.print(f"      [dim]round {round_number}[/]")
        for step in steps:
            number += 1
            console.print(f"{number:4}. {escape(step.title)}", soft_wrap=True)
    if len(plan.rounds) > _LISTED_ROUNDS:
        console.print(f"      [dim]… and {len(plan.rounds) - _LISTED_ROUNDS} rounds like these[/]")
    console.print(
        "      then everything is deleted again (cleanUpCfg = True)"
        if plan.clean_up
        else "      and what was created stays (cleanUpCfg = False)"
    )
    console.print(_calls_table(plan))


def _calls_table(plan: Plan) -> Table:
    table = Table(title="API calls, beside one iot:DescribeJob per look at the running job")
    table.add_column("operation")
    table.add_column("calls", justify="right")
    for name, count in plan.calls.items():
        table.add_row(name, f"{count:,}")
    return table
