"""A plan on the terminal: the steps in order, and what they cost in API calls."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from rich.console import Console
from rich.table import Table

from otactl.deploy.plan import Plan
from otactl.deploy.step import Step
from otactl.views.foreign_text import escape
from otactl.views.plain_table import number_columns
from otactl.views.plan_summary import PlanSummary

#: Rounds are alike; beyond the first ones they are counted, not listed.
_LISTED_ROUNDS = 2
_LISTED_LEFT_OUT = 10


def print_plan(
    console: Console, plan: Plan, summary: PlanSummary, *, with_calls: bool = True
) -> None:
    """Print what a deployment would do: its summary first, then its steps.

    Args:
        with_calls: Whether the table of API calls follows.
    """
    console.print(f"[bold]{escape(plan.source)}[/]: job {escape(plan.job_id)}", soft_wrap=True)
    for name, sentence in summary.lines:
        console.print(f"  [bold]{name:<8}[/] {escape(sentence)}", soft_wrap=True)
    console.print(f"  [bold]{'image':<8}[/] sha256 {plan.image_sha256}", soft_wrap=True)
    print_left_out(console, plan, at_most=_LISTED_LEFT_OUT)
    numbers = count(1)

    def print_steps(steps: Iterable[Step]) -> None:
        for step in steps:
            console.print(f"{next(numbers):4}. {escape(step.title)}", soft_wrap=True)

    print_steps(plan.setup)
    listed = len(plan.waves) or _LISTED_ROUNDS
    for round_number, steps in enumerate(plan.rounds[:listed], start=1):
        if plan.waves:
            wave = plan.waves[round_number - 1]
            name = f"wave {escape(wave.name)}: {wave.things:,} things ({escape(wave.size)})"
        else:
            name = f"round {round_number}"
        console.print(f"      [dim]{name}[/]", soft_wrap=True)
        print_steps(steps)
    if len(plan.rounds) > listed:
        console.print(f"      [dim]… and {len(plan.rounds) - _LISTED_ROUNDS} rounds like these[/]")
    print_steps(plan.closing)
    console.print(
        "      then everything is deleted again (cleanUpCfg = True)"
        if plan.clean_up
        else "      and what was created stays (cleanUpCfg = False)"
    )
    if not with_calls:
        return
    table = Table(
        "operation",
        *number_columns("calls"),
        title=f"{sum(plan.calls.values()):,} API calls if all goes well",
        caption="estimated besides: one iot:DescribeJob per --poll while the job runs, more while"
        " AWS deletes a job or retries; fewer if the image is in S3 already",
        caption_justify="left",
    )
    for name, calls in plan.calls.items():
        table.add_row(name, f"{calls:,}")
    console.print(table)


def print_left_out(console: Console, plan: Plan, *, at_most: int) -> None:
    """Print which things get no image, and why."""
    left_out = plan.choice.left_out if plan.choice else ()
    if not left_out:
        return
    counts = ", ".join(f"{number:,} {reason}" for reason, number in plan.left_out.items())
    console.print(f"  [bold]{'left out':<8}[/] {len(left_out):,} things: {counts}")
    for one in left_out[:at_most]:
        words = f"{one.thing_name}: {one.words}"
        console.print(f"  {'':8} [dim]{escape(words)}[/]", soft_wrap=True)
    if len(left_out) > at_most:
        more = f"… and {len(left_out) - at_most:,} more; --output json lists all"
        console.print(f"  {'':8} [dim]{more}[/]")


def print_wave_things(console: Console, plan: Plan) -> None:
    """Print the things of each wave, one a line."""
    for wave, things in plan.things_by_wave.items():
        console.print(f"[bold]wave {escape(wave)}[/]")
        for name in things:
            console.print(f"  {escape(name)}", soft_wrap=True)
