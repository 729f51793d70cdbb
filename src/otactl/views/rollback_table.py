"""A rollback on the terminal: which things get which version back and why, and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.model.quoting import first_names
from otactl.views.foreign_text import escape
from otactl.views.result_table import print_result
from otactl.views.waves_forecast import print_waves

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from otactl.operations.rollback.run import RollbackReport

_NAMED = 10


def print_rollback(console: Console, report: RollbackReport) -> None:
    """Print what a rollback would do, or its result."""
    for begun in report.begun:
        state = "has ended" if begun.has_ended else "has not ended and goes on first"
        console.print(
            f"rollback {escape(begun.job_id)} of {begun.things:,} things {state}", soft_wrap=True
        )
    for plan in report.plans:
        console.print(
            f"[bold]{plan.things:,} things back to version {escape(plan.image_version)}[/]:"
            f" job {escape(plan.job_id)}, image sha256 {plan.image_sha256}",
            soft_wrap=True,
        )
        for wave, names in plan.things_by_wave.items():
            console.print(f"  wave {wave}: {_named(names)}", soft_wrap=True)
    for forecast in report.forecasts:
        print_waves(console, forecast)
    for version, things in report.without_image.items():
        console.print(
            f"[yellow]no image of version {escape(version)}:[/] {_named(things)}", soft_wrap=True
        )
    if report.found.no_former:
        console.print(
            f"[yellow]no former version is known:[/] {_named(report.found.no_former)}",
            soft_wrap=True,
        )
    for reason in dict.fromkeys(report.found.reasons.values()):
        way = "in" if reason.is_in else "out"
        names = report.found.with_reason(reason)
        console.print(f"{way}, because {reason}: {_named(names)}", soft_wrap=True)
    for result in report.results:
        print_result(console, result)
    goes_on = any(not begun.has_ended for begun in report.begun)
    if not report.plans and not report.results and not goes_on:
        more = "nothing more" if report.begun else "nothing"
        console.print(f"{more} of deployment {report.deployment_id} is to be rolled back")


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    return f"{len(listed):,} ({escape(first_names(listed, _NAMED))})"
