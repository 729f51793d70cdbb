"""A forecast as a single HTML file that loads nothing.

Plotly's script comes from its package and is included once. Text from files, such as names, is
escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from importlib import resources

from plotly.offline import get_plotlyjs

from otactl.forecast.band import Band
from otactl.forecast.forecast_fields import forecast_fields
from otactl.forecast.run_result import RunResult
from otactl.forecast.summary import Forecast
from otactl.views.band_text import count_text, dollars_text, duration_text, share_text
from otactl.views.forecast_rows import headline, notes, sections
from otactl.views.foreign_text import html_text

_POINTS = 300
_PLACEHOLDER = re.compile(r"@@([A-Z_]+)@@")


def forecast_page(forecasts: Sequence[Forecast]) -> str:
    """The page of one forecast, or of several to compare; the first is the one requested."""
    first = forecasts[0]
    end = max(forecast.shown_minutes for forecast in forecasts)
    names = " and ".join(forecast.name for forecast in forecasts)
    parts = {
        "TITLE": html_text(f"Forecast of {names}"),
        "UNDER": html_text(
            f"{first.scenario.things:,} things, {first.scenario.runs} runs, "
            "median and 90% band; computed by otactl without calling AWS"
        ),
        "HEADLINES": "\n".join(_headline(forecast, forecasts) for forecast in forecasts),
        "FIGURES": "\n".join(_figures(first)),
        "THINGS_CAPTION": html_text(_things_caption(first)),
        "BRICKED_CAPTION": html_text(_bricked_caption(first)),
        "TABLE": _table(forecasts),
        "RUNS": str(first.scenario.runs),
        "NOTES": "\n".join(f"<li>{html_text(note)}</li>" for note in notes(forecasts)),
        "CSS": _asset("page.css"),
        "JS": _asset("page.js"),
        # Nothing in its texts may end the script element around it.
        "FORECASTS": json.dumps(
            [forecast_fields(forecast, points=_POINTS, end=end) for forecast in forecasts]
        ).replace("<", "\\u003c"),
        "PLOTLY": get_plotlyjs(),
    }
    # In one pass: a file name that looks like a placeholder is not replaced.
    return _PLACEHOLDER.sub(lambda found: parts[found[1]], _asset("page.html"))


def _asset(name: str) -> str:
    folder = resources.files("otactl.views").joinpath("forecast_assets")
    return folder.joinpath(name).read_text("utf-8")


def _headline(forecast: Forecast, forecasts: Sequence[Forecast]) -> str:
    name = f"<b>{html_text(forecast.name)}</b>: " if len(forecasts) > 1 else ""
    return f'<p class="headline">{name}{html_text(headline(forecast))}</p>'


def _figures(forecast: Forecast) -> list[str]:
    """The numbers at the top: those of the likely outcome first."""
    probability = share_text(forecast.abort_probability)
    aborts = _figure(
        f"aborts in {probability} of runs, after", forecast.abort_seconds, duration_text
    )
    if forecast.is_undecided:
        stopped = _bricked("bricked when it aborts", forecast.of_aborted(_count_bricked))
        others = _bricked("bricked when it does not", forecast.of_unaborted(_count_bricked))
        likely = forecast.aborts_likely
        figures = [aborts, stopped, others] if likely else [others, aborts, stopped]
        return [*figures, _cost(forecast)]
    bricked = _bricked("bricked", forecast.of_all(_count_bricked))
    if forecast.aborted:
        without = Band.of(forecast.without_abort)
        wasted = _figure("would be bricked with no abort", without, count_text)
        return [aborts, bricked, wasted, _cost(forecast)]
    finished = _figure("95% finished after", forecast.finished_seconds(95), duration_text)
    return [bricked, finished, _cost(forecast)]


def _count_bricked(found: RunResult) -> int:
    return found.bricked


def _bricked(label: str, band: Band | None) -> str:
    return _figure(label, band, count_text, alarm=True)


def _cost(forecast: Forecast) -> str:
    cost = Band.of(forecast.bill(found).total for found in forecast.results)
    return _figure(f"cost (prices of {forecast.prices.read})", cost, dollars_text)


def _figure(
    label: str, band: Band | None, write: Callable[[float], str], *, alarm: bool = False
) -> str:
    if band is None:
        return ""
    low, high = write(band.low), write(band.high)
    span = "in every run" if low == high else f"{low} to {high}"
    return (
        f'<li{" class=alarm" if alarm else ""}><span class="label">{html_text(label)}</span>'
        f'<span class="value">{html_text(write(band.median))}</span>'
        f'<span class="band">{html_text(span)}</span></li>'
    )


def _things_caption(forecast: Forecast) -> str:
    caption = "How many things were notified of the job, succeeded, or ended otherwise."
    if forecast.aborted:
        caption += " The red line is the moment the job aborts itself, the shade its band."
    return caption


def _bricked_caption(forecast: Forecast) -> str:
    caption = "Things that will not come back by themselves."
    if forecast.aborted:
        caption += (
            " What was in progress when the job aborted runs on and adds to them. The dotted line"
            " is where it would end with no abort."
        )
    return caption


def _table(forecasts: Sequence[Forecast]) -> str:
    heads = "".join(f'<th scope="col">{html_text(f.name)}</th>' for f in forecasts)
    lines = [f"<thead><tr><td></td>{heads}</tr></thead>", "<tbody>"]
    span = f'scope="colgroup" colspan="{len(forecasts) + 1}"'
    for section, labelled in sections(forecasts).items():
        lines.append(f'<tr class="section"><th {span}>{section}</th></tr>')
        for label, texts in labelled.items():
            cells = "".join(f"<td>{html_text(text)}</td>" for text in texts)
            lines.append(f'<tr><th scope="row">{html_text(label)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>"])
