"""The forecast of waves as a single HTML file without scripts that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from statistics import median

from otactl.forecast.waves import WavesForecast
from otactl.model.wave import Verdict
from otactl.views.band_text import band_text, count_text, duration_text, share_text
from otactl.views.chart.frame import RIGHT, Frame, drawing, element, line, words
from otactl.views.foreign_text import html_text
from otactl.views.report.table import document, table
from otactl.views.waves_forecast import COLUMNS, end_text, gate_rows, outcome_rows, summary

_WIDTH, _ROW, _BAR = 900, 34, 14
_LIKELY = 0.5
#: The lowest opacity of a bar, so that it is still visible on paper and on a dark page.
_FAINTEST = 0.25
_STYLE = """
.gates text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.gates .grid { stroke: var(--line); }
.gates .run { fill: var(--accent); }
.gates .band { stroke: var(--ink); stroke-width: 2; }
caption { text-align: left; color: var(--faint); font-size: .9rem; }
td { white-space: nowrap; }
td:first-child, thead th:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }
dt { color: var(--faint); }
dd { margin: 0; }
"""


def waves_page(forecasts: Sequence[WavesForecast]) -> str:
    """The page of one forecast of waves, or of several below each other."""
    title = html_text(f"Forecast of {' and '.join(each.name for each in forecasts)}")
    sections = "".join(_section(each, is_alone=len(forecasts) == 1) for each in forecasts)
    styles = resources.files("otactl.views").joinpath("forecast_assets", "page.css")
    body = f"<main><h1>{title}</h1>{sections}</main>"
    return document(title, styles.read_text("utf-8") + _STYLE, body)


def headline(forecast: WavesForecast) -> str:
    """The likely outcome in a sentence."""
    stopped = len(forecast.stopped) / len(forecast.played)
    if stopped > _LIKELY:
        reached = band_text(forecast.reached(only_stopped=True), count_text)
        return (
            f"A gate stops this image in {share_text(stopped)} of the runs, after it reached"
            f" {reached} of {forecast.scenario.things:,} things."
        )
    passed = forecast.share(len(forecast.scenario.planned) - 1, Verdict.PASS)
    waits = 1 - stopped - passed
    if waits > _LIKELY:
        return "In most runs a gate waits for a person: too few things end, or too few succeed."
    share = f"in {share_text(stopped)} of the runs" if stopped else "in no run"
    if not math.isfinite(forecast.end_seconds.median):
        return (
            f"All gates pass in {share_text(passed)} of the runs; a gate stops it {share}, and"
            f" waits for a person in {share_text(waits)}."
        )
    return f"All gates pass after {end_text(forecast)}; a gate stops it {share}."


def _section(forecast: WavesForecast, *, is_alone: bool) -> str:
    facts = "".join(
        f"<dt>{html_text(label.strip())}</dt><dd>{html_text(words)}</dd>"
        for label, words in outcome_rows(forecast)
    )
    notes = "".join(f"<li>{html_text(note)}</li>" for note in forecast.notes)
    name = "" if is_alone else f"<h2>{html_text(forecast.name)}</h2>"
    return (
        f'<section>{name}<p class="under">{html_text(summary(forecast))}</p>'
        f'<p class="headline">{html_text(headline(forecast))}</p>'
        f"<figure><figcaption>When each wave runs and its gate decides; the line is the 90% band"
        f" of the decision. Of the runs in which a wave begins: the fewer, the fainter its bar."
        f'</figcaption><div class="scroll" tabindex="0">{_drawing(forecast)}</div>'
        f"</figure>{table(COLUMNS, gate_rows(forecast), 'The gates')}<dl>{facts}</dl>"
        f'<ul class="notes">{notes}</ul></section>'
    )


def _drawing(forecast: WavesForecast) -> str:
    """A bar for each wave from its start to its gate, of the runs in which it began."""
    planned = forecast.scenario.planned
    bands = [forecast.gate_seconds(number) for number in range(len(planned))]
    ends = [band.high for band in bands if band is not None and math.isfinite(band.high)]
    height = _ROW * len(planned) + 40
    frame = Frame(
        width=_WIDTH,
        height=height,
        x_max=max(ends, default=1.0),
        y_max=10 ** (max(len(wave.name) for wave, _ in planned) - 1),
        x_label="",
        y_label="",
        x_is_time=True,
    )
    bottom = _ROW * len(planned) + 10
    grid = "".join(
        line((frame.x(tick), 6), (frame.x(tick), bottom), "grid")
        + words(
            duration_text(tick) if tick else "0",
            min(frame.x(tick), _WIDTH - RIGHT - 24),
            bottom + 18,
            text_anchor="middle",
        )
        for tick in frame.x_ticks
    )
    rows = []
    for number, ((wave, _), band) in enumerate(zip(planned, bands, strict=True)):
        top = _ROW * number + 12
        rows.append(words(wave.name, 0, top + _BAR - 2))
        if band is None or not math.isfinite(band.median):
            continue
        high = min(band.high, frame.x_max)
        begun = [run[number].began_ms / 1000 for run in forecast.played if len(run) > number]
        x, end = frame.x(median(begun)), frame.x(band.median)
        share = len(begun) / len(forecast.played)
        title = (
            f"wave {wave.name} begins in {share_text(share)} of the runs; its gate decides after"
            f" {band_text(band, duration_text)}"
        )
        rows.append(
            element(
                "rect",
                element("title", html_text(title)),
                x=x,
                y=top,
                width=max(2.0, end - x),
                height=_BAR,
                class_="run",
                opacity=max(_FAINTEST, share),
            )
        )
        middle = top + _BAR / 2
        rows.append(line((frame.x(band.low), middle), (frame.x(high), middle), "band"))
    return drawing(_WIDTH, height, "When the gates decide", grid, *rows, class_="gates")
