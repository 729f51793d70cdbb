"""A suggested rollout on the terminal: the setting, its forecast, and the trade-off curve."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otactl.forecast.suggest.goal import Suggestion, TradeOff
from otactl.views.band_text import band_text, count_text, duration_text, share_text
from otactl.views.plain_table import number_columns


def print_suggestion(console: Console, found: Suggestion) -> None:
    """Print the suggestion, or what makes the goal infeasible."""
    goal = found.goal
    asked = (
        f"{goal.finish_percent:g}% of a healthy fleet finished within "
        f"{duration_text(goal.within_seconds)}, and at most {goal.max_bricked:,} things bricked by "
        f"an image that fails at {share_text(goal.failure_rate)}"
    )
    if found.setting is None:
        console.print(f"[bold]No rollout meets this goal:[/] {asked}.")
        console.print(f"Why: {found.binds}.")
    else:
        console.print(f"[bold]This rollout meets the goal:[/] {asked}.\n")
        console.print(found.setting.to_ini(), markup=False, highlight=False)
        console.print(
            f"A healthy fleet finishes after {band_text(found.finished_seconds, duration_text)} "
            f"and is aborted with a chance of {share_text(found.false_alarm or 0.0)}; the bad "
            f"image bricks {band_text(found.bricked, count_text)}."
        )
    if found.curve:
        console.print(_curve(found.curve))


def _curve(points: tuple[TradeOff, ...]) -> Table:
    table = Table(
        *number_columns("finished after", "bricked"),
        *("rate per minute", "abort"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        title="more time, fewer bricked things",
        title_justify="left",
        caption="median (and the band that holds 9 times in 10)",
        caption_justify="left",
    )
    for point in points:
        rate = point.setting.rollout.exponential_rate
        maximum = point.setting.rollout.maximum_per_minute
        criterion = point.setting.criterion
        pace = f"{maximum}"
        if rate is not None:
            successes = rate.rate_increase_criteria.number_of_succeeded_things
            pace = (
                f"{rate.base_rate_per_minute}, x{rate.increment_factor:g} per {successes} "
                f"successes, up to {maximum}"
            )
        table.add_row(
            duration_text(point.finished_seconds),
            band_text(point.bricked, count_text),
            pace,
            f"{criterion.threshold_percentage:g}% of {criterion.min_number_of_executed_things}+",
        )
    return table
