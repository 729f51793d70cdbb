"""The forecast of waves on the terminal: the verdict of each gate, and what a bad image reaches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Column

from otactl.model.wave import Verdict
from otactl.views.band_text import band_text, count_text, duration_text, share_text
from otactl.views.foreign_text import escape
from otactl.views.plain_table import number_columns, plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.forecast.waves import WavesForecast

#: The columns of the table of gates.
COLUMNS = ("wave", "things", "passes", "fails", "asks", "its gate decides after")


def print_waves(console: Console, forecast: WavesForecast) -> None:
    """Print a forecast of waves."""
    console.print(f"[bold]{escape(forecast.name)}[/]: {summary(forecast)}", soft_wrap=True)
    first, *numbers, last = COLUMNS
    table = plain_table(
        Column(first, no_wrap=True), *number_columns(*numbers), Column(last, no_wrap=True)
    )
    for row in gate_rows(forecast):
        table.add_row(*map(escape, row))
    console.print(table)
    for label, text in outcome_rows(forecast):
        console.print(f"{label:<24} {text}", soft_wrap=True)
    for note in forecast.notes:
        console.print(f"[dim]{escape(note)}[/]", soft_wrap=True)


def summary(forecast: WavesForecast) -> str:
    """The size of the forecast: things, waves, runs."""
    scenario = forecast.scenario
    return (
        f"{scenario.things:,} things in {len(scenario.planned)} waves, {scenario.runs} runs,"
        " median and 90% band"
    )


def gate_rows(forecast: WavesForecast) -> list[tuple[str, ...]]:
    """How often each gate gives each verdict, and when."""
    rows = []
    for number, (wave, things) in enumerate(forecast.scenario.planned):
        decided = forecast.gate_seconds(number)
        shares = (
            share_text(forecast.share(number, verdict))
            for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
        )
        when = "never begins" if decided is None else band_text(decided, duration_text)
        waits = wave.rule.needs_approval and forecast.share(number, Verdict.PASS)
        if waits and not forecast.scenario.answer_ms:
            when += " + approval"
        rows.append((wave.name, f"{things:,}", *shares, when))
    return rows


def outcome_rows(forecast: WavesForecast) -> list[tuple[str, str]]:
    """The end, and what the image reaches."""
    rows = [
        ("all gates passed after", end_text(forecast)),
        ("things notified", band_text(forecast.reached(), count_text)),
        ("things bricked", band_text(forecast.reached(bricked=True), count_text)),
    ]
    if forecast.stopped:
        share = share_text(len(forecast.stopped) / len(forecast.played))
        broken = forecast.reached(bricked=True, only_stopped=True)
        rows += [
            ("a gate stops it", f"in {share} of the runs"),
            ("  notified then", band_text(forecast.reached(only_stopped=True), count_text)),
            ("  bricked then", band_text(broken, count_text)),
        ]
    if forecast.ways_back:
        back = band_text(forecast.way_back_seconds, duration_text)
        things = band_text(forecast.taken_back, count_text)
        rows += [("  rolled back", f"{things} things, in {back}")]
        if forecast.way_back_failed:
            rows += [("  the rollback stops", f"in {share_text(forecast.way_back_failed)} of them")]
    refused = [
        f"{wave.name} in {share_text(hits)} of the runs"
        for number, (wave, _) in enumerate(forecast.scenario.planned)
        if (hits := forecast.refused_share(number))
    ]
    if refused:
        rows += [("endTime is too near for", f"{', '.join(refused)}: a person is asked")]
    return rows


def end_text(forecast: WavesForecast) -> str:
    """When the last gate passes, and the time that approvals add."""
    end, names = band_text(forecast.end_seconds, duration_text), ", ".join(forecast.approvals)
    minutes = duration_text(forecast.scenario.answer_ms / 1000)
    if not names or not math.isfinite(forecast.end_seconds.low):
        return end
    if not forecast.scenario.answer_ms:
        return f"{end}, plus the time until somebody approves {names}"
    return f"{end}, with {minutes} until somebody approves each of {names}"
