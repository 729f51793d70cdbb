"""What a forecast says, row by row, in words: the same rows for the terminal and the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otactl.forecast.attempts import STATUSES
from otactl.forecast.band import Band
from otactl.forecast.run_result import RunResult
from otactl.forecast.summary import MILESTONES, Forecast, finished_seconds, not_notified
from otactl.views.band_text import (
    band_text,
    bytes_text,
    count_text,
    dollars_text,
    duration_text,
    rate_text,
    share_text,
)
from otactl.views.foreign_text import escape

#: The milestone in the headline, in percent.
_MOST = 95
_STATUS_WORDS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "REJECTED": "rejected",
    "TIMED_OUT": "timed out",
    "CANCELED": "cancelled by the abort",
    "IN_PROGRESS": "still in progress (silent)",
    "QUEUED": "still queued (never seen)",
}


class Row(NamedTuple):
    """One row of a forecast: its section, its label, and ``median (5% to 95%)``."""

    section: str
    label: str
    text: str


def rows(forecast: Forecast) -> list[Row]:
    """All rows, in order; what cannot happen is left out."""
    parts = {"Abort": _abort, "Things": _things, "Time": _time, "Traffic": _traffic, "Cost": _cost}
    return [Row(section, *row) for section, part in parts.items() for row in part(forecast)]


def sections(forecasts: Sequence[Forecast]) -> dict[str, dict[str, list[str]]]:
    """By section and label, what each forecast says; a dash where it has no such row."""
    by_forecast = [{(row.section, row.label): row.text for row in rows(f)} for f in forecasts]
    found: dict[str, dict[str, list[str]]] = {}
    for key in ordered_keys(by_forecast):
        section, label = key
        found.setdefault(section, {})[label] = [texts.get(key, "-") for texts in by_forecast]
    return found


def ordered_keys(by_forecast: Sequence[dict[tuple[str, str], str]]) -> list[tuple[str, str]]:
    """The rows of all forecasts; a row that only some have keeps its position there."""
    keys: list[tuple[str, str]] = []
    for texts in by_forecast:
        location = 0
        for key in texts:
            if key in keys:
                location = keys.index(key) + 1
            else:
                keys.insert(location, key)
                location += 1
    return keys


def headline(forecast: Forecast) -> str:
    """The forecast in a sentence or two, what is likely first."""
    if not forecast.aborted:
        words = f"{_undisturbed(forecast, forecast.results)} and no abort criterion is met."
        return words[0].upper() + words[1:]
    runs = len(forecast.results)
    if not forecast.is_undecided:
        without = band_text(Band.of(forecast.without_abort), count_text)
        return (
            f"The job aborts itself in 100% of {runs} runs, {_aborted(forecast)} are bricked, "
            f"against {without} with no abort."
        )
    share = share_text(forecast.abort_probability)
    if forecast.aborts_likely:
        return (
            f"The job aborts itself in {share} of {runs} runs, {_aborted(forecast)} are bricked in "
            f"these, {_bricked_in_others(forecast)} in the others."
        )
    return (
        f"In {share_text(1 - forecast.abort_probability)} of {runs} runs no abort criterion is "
        f"met: {_undisturbed(forecast, forecast.unaborted)}. In the other {share} the job aborts "
        f"itself {_aborted(forecast)} are bricked."
    )


def _undisturbed(forecast: Forecast, results: Sequence[RunResult]) -> str:
    """The result of the runs without an abort."""
    finished = Band.of(finished_seconds(found, _MOST) for found in results)
    things = f"{_MOST}% of {forecast.scenario.things:,} things"
    when = f"{things} have finished after {band_text(finished, duration_text)}"
    if not math.isfinite(finished.low):
        when = f"less than {things} finish within {forecast.scenario.horizon_days} days"
    return (
        f"{when}; {band_text(Band.of(found.bricked for found in results), count_text)} are bricked"
    )


def _aborted(forecast: Forecast) -> str:
    """When the aborting runs abort, how many things were notified, and how many bricked."""
    return (
        f"{band_text(forecast.abort_seconds, duration_text)} after it began, when "
        f"{band_text(forecast.of_aborted(lambda t: t.notified), count_text)} of "
        f"{forecast.scenario.things:,} things were notified; "
        f"{band_text(forecast.of_aborted(lambda t: t.bricked), count_text)}"
    )


def _bricked_in_others(forecast: Forecast) -> str:
    return band_text(forecast.of_unaborted(lambda t: t.bricked), count_text)


def _abort(forecast: Forecast) -> Iterator[tuple[str, str]]:
    yield "probability", share_text(forecast.abort_probability)
    if not forecast.aborted:
        return
    for criterion, probability in forecast.criteria:
        label = (
            f"by {criterion.failure_type} at {criterion.threshold_percentage:g}% "
            f"of {criterion.min_number_of_executed_things}+"
        )
        yield label, share_text(probability)
    yield "after", band_text(forecast.abort_seconds, duration_text)
    for label, count in (
        ("notified by then", forecast.of_aborted(lambda t: t.notified)),
        ("finished by then", forecast.of_aborted(lambda t: t.executed_at_abort)),
        ("failed by then", forecast.of_aborted(lambda t: t.failed_at_abort)),
        ("bricked by then", forecast.of_aborted(lambda t: t.bricked_at_abort)),
    ):
        yield label, band_text(count, count_text)


def _things(forecast: Forecast) -> Iterator[tuple[str, str]]:
    yield "bricked", band_text(forecast.of_all(lambda t: t.bricked), count_text)
    if forecast.is_undecided:
        stopped = band_text(forecast.of_aborted(lambda t: t.bricked), count_text)
        yield "bricked when it aborts", stopped
        yield "bricked when it does not", _bricked_in_others(forecast)
    if forecast.aborted:
        text = band_text(Band.of(forecast.without_abort), count_text)
        yield "bricked with no abort", text
    for status in STATUSES:
        band = Band.of(found.by_status[status] for found in forecast.results)
        if band.high > 0:
            yield _STATUS_WORDS[status.value], band_text(band, count_text)
    untouched = forecast.of_all(not_notified)
    if untouched.high > 0:
        yield "never notified", band_text(untouched, count_text)


def _time(forecast: Forecast) -> Iterator[tuple[str, str]]:
    for percent in MILESTONES:
        band = forecast.finished_seconds(percent)
        yield f"{percent}% finished", band_text(band, duration_text)
        if not math.isfinite(band.median):
            break
    yield "all over", band_text(forecast.duration_seconds, duration_text)


def _traffic(forecast: Forecast) -> Iterator[tuple[str, str]]:
    for label, band, write in (
        ("peak of all downloads", forecast.of_all(lambda t: t.peak_bytes_per_second), rate_text),
        ("downloaded", forecast.of_all(lambda t: t.downloaded_bytes), bytes_text),
        ("MQTT messages", forecast.of_all(forecast.messages), count_text),
        (
            "API calls of otactl",
            forecast.of_all(lambda t: sum(forecast.calls(t).values())),
            count_text,
        ),
    ):
        yield label, band_text(band, write)


def _cost(forecast: Forecast) -> Iterator[tuple[str, str]]:
    words = {
        "jobExecutions": "job executions",
        "mqttMessages": "MQTT messages",
        "s3": "S3 requests",
        "internetTraffic": "internet traffic",
        "alarms": "alarms",
    }
    bills = [forecast.bill(found) for found in forecast.results]
    for item, word in words.items():
        band = Band.of(of_run.items[item] for of_run in bills)
        if band.high >= 0.01:  # noqa: PLR2004  # less than a cent is not worth a line
            yield word, band_text(band, dollars_text)
    total = Band.of(of_run.total for of_run in bills)
    label = f"total (prices of {forecast.prices.read})"
    yield label, band_text(total, dollars_text)


def print_forecast(console: Console, forecasts: Sequence[Forecast]) -> None:
    """Print one forecast, or several side by side."""
    for forecast in forecasts:
        prefix = f"{forecast.name}: " if len(forecasts) > 1 else ""
        console.print(f"{escape(prefix)}{escape(headline(forecast))}")
    console.print(_table(forecasts))
    for note in notes(forecasts):
        console.print(f"[dim]note: {escape(note)}[/]", soft_wrap=True)


def notes(forecasts: Sequence[Forecast]) -> list[str]:
    """The notes of all forecasts, each once."""
    return list(dict.fromkeys(note for forecast in forecasts for note in forecast.notes))


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
    for section, labelled in sections(forecasts).items():
        table.add_row(f"[bold]{section}[/]", *[""] * len(forecasts))
        for label, texts in labelled.items():
            table.add_row(f"  {escape(label)}", *texts)
    return table
