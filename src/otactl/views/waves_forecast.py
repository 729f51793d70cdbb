"""The forecast of waves on the terminal: what each gate will say, and what a bad image reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from otactl.model.wave import Verdict
from otactl.views.band_text import band_text, count_text, duration_text, share_text
from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.forecast.waves import WavesForecast


def print_waves(console: Console, forecast: WavesForecast) -> None:
    """Print a forecast of waves."""
    scenario = forecast.scenario
    console.print(
        f"[bold]{escape(forecast.name)}[/]: {scenario.things:,} things in"
        f" {len(scenario.planned)} waves, {scenario.runs} runs",
        soft_wrap=True,
    )
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("wave", no_wrap=True)
    for name in ("things", "passes", "fails", "asks"):
        table.add_column(name, justify="right")
    table.add_column("its gate decides after")
    for number, (wave, things) in enumerate(scenario.planned):
        decided = forecast.gate_seconds(number)
        table.add_row(
            escape(wave.name),
            f"{things:,}",
            share_text(forecast.share(number, Verdict.PASS)),
            share_text(forecast.share(number, Verdict.FAIL)),
            share_text(forecast.share(number, Verdict.INCONCLUSIVE)),
            "never begins" if decided is None else band_text(decided, duration_text),
        )
    console.print(table)
    lines = [
        ("all gates passed after", band_text(forecast.end_seconds, duration_text)),
        ("things notified", band_text(forecast.reached(), count_text)),
        ("things bricked", band_text(forecast.reached(bricked=True), count_text)),
    ]
    if forecast.stopped:
        share = share_text(len(forecast.stopped) / len(forecast.played))
        lines += [
            ("a gate stops it", f"in {share} of the runs"),
            ("  notified then", band_text(forecast.reached(only_stopped=True), count_text)),
            (
                "  bricked then",
                band_text(forecast.reached(bricked=True, only_stopped=True), count_text),
            ),
        ]
    for label, text in lines:
        console.print(f"{label:<24} {text}", soft_wrap=True)
    for note in forecast.notes:
        console.print(f"[dim]{escape(note)}[/]", soft_wrap=True)
