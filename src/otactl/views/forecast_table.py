"""A forecast on the terminal: one sentence, then a table; scenarios side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otactl.forecast.summary import Forecast
from otactl.views.forecast_rows import headline, ordered_keys, rows
from otactl.views.foreign_text import escape


def print_forecast(console: Console, forecasts: Sequence[Forecast]) -> None:
    """Print one forecast, or several side by side."""
    for forecast in forecasts:
        prefix = f"{forecast.name}: " if len(forecasts) > 1 else ""
        console.print(f"{escape(prefix)}{escape(headline(forecast))}")
    console.print(_table(forecasts))
    for note in dict.fromkeys(note for forecast in forecasts for note in forecast.notes):
        console.print(f"[dim]note: {escape(note)}[/]", soft_wrap=True)


def _table(forecasts: Sequence[Forecast]) -> Table:
    runs = forecasts[0].scenario.runs
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        caption=f"median of {runs} runs (and the band that holds 9 times in 10)",
        caption_justify="left",
    )
    table.add_column("")
    for forecast in forecasts:
        table.add_column(escape(forecast.name), justify="right")
    by_forecast = [{(row.section, row.label): row.text for row in rows(f)} for f in forecasts]
    section = ""
    for name, label in ordered_keys(by_forecast):
        if name != section:
            table.add_row(f"[bold]{name}[/]", *[""] * len(forecasts))
            section = name
        texts = [texts.get((name, label), "-") for texts in by_forecast]
        table.add_row(f"  {escape(label)}", *texts)
    return table
