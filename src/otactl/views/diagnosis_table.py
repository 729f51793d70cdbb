"""What `otactl doctor` found, line by line, and what its live check observed, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from otactl.views.foreign_text import clean

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.model.diagnosis import Diagnosis
    from otactl.operations.live_check.run import LiveReport

_MARKS = {
    "good": ("\N{CHECK MARK}", "green"),
    "note": ("-", "cyan"),
    "warning": ("!", "yellow"),
    "bad": ("\N{BALLOT X}", "red"),
    "unknown": ("?", "dim"),
}
_VERDICTS = {True: "good", False: "warning", None: "unknown"}


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Print one finding, and below it what to do."""
    line = Text.assemble(
        _MARKS[diagnosis.health.value], f" {diagnosis.area}: {clean(diagnosis.found)}"
    )
    console.print(line, soft_wrap=True)
    if diagnosis.advice:
        console.print(Text(f"    {clean(diagnosis.advice)}", "dim"), soft_wrap=True)


def print_live_report(console: Console, report: LiveReport) -> None:
    """Print the deliveries, the observations with what is assumed, and the calls and time."""
    for delivery in report.deliveries:
        mark = _MARKS["good" if delivery.is_verified else "bad"]
        words = f" {delivery.size_bytes // 1024} KiB by {delivery.way}: "
        console.print(Text.assemble(mark, words, clean(delivery.detail)), soft_wrap=True)
    if report.observations:
        table = Table("", "point", "asked", "otactl assumes", "observed", box=None)
        for seen in report.observations:
            verdict = Text(*_MARKS[_VERDICTS[seen.agrees]])
            table.add_row(verdict, seen.point, seen.question, seen.assumed, clean(seen.observed))
        console.print(table)
    if report.failure:
        console.print(Text(f"ended early: {clean(report.failure)}", "red"), soft_wrap=True)
    spent = f"{sum(report.calls.values())} API calls, {report.seconds:.0f} s"
    console.print(f"{spent}; {'not all' if report.left else 'everything'} was removed")
