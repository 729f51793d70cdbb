"""What a forecast says, row by row, in words: the same rows for the terminal and the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otactl.forecast.attempts import STATUSES
from otactl.forecast.band import Band
from otactl.forecast.summary import MILESTONES, not_notified
from otactl.views.band_text import (
    band_text,
    bytes_text,
    count_text,
    dollars_text,
    duration_text,
    rate_text,
    share_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otactl.forecast.summary import Forecast

_STATUS_WORDS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "REJECTED": "rejected",
    "TIMED_OUT": "timed out",
    "CANCELED": "cancelled by the abort",
    "IN_PROGRESS": "still in progress (silent)",
    "QUEUED": "still queued (never seen)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a forecast says.

    Attributes:
        section: What it belongs to.
        label: What it is.
        text: ``median (5% to 95%)``.
    """

    section: str
    label: str
    text: str


def rows(forecast: Forecast) -> list[Row]:
    """Everything there is to say, in order; what cannot happen is left out."""
    return [
        *_abort(forecast),
        *_things(forecast),
        *_time(forecast),
        *_traffic(forecast),
        *_cost(forecast),
    ]


def ordered_keys(by_forecast: Sequence[dict[tuple[str, str], str]]) -> list[tuple[str, str]]:
    """The rows of all forecasts: one that only some have stands where those have it."""
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
    """The forecast in one sentence."""
    things = f"{forecast.scenario.things:,} things"
    probability = forecast.abort_probability
    bricked = band_text(forecast.of_aborted(lambda t: t.bricked), count_text)
    if probability > 0:
        others = (
            f"are bricked in these, {_bricked_in_others(forecast)} in the others."
            if forecast.is_undecided
            else "are bricked, against "
            f"{band_text(Band.of(forecast.without_abort), count_text)} with no abort."
        )
        return (
            f"The job aborts itself in {share_text(probability)} of {len(forecast.tallies)} runs, "
            f"{band_text(forecast.abort_seconds, duration_text)} after it began, when "
            f"{band_text(forecast.of_aborted(lambda t: t.notified), count_text)} of {things} were "
            f"notified; {bricked} {others}"
        )
    return (
        f"95% of {things} have finished after "
        f"{band_text(forecast.finished_seconds(95), duration_text)}; "
        f"{band_text(forecast.of_all(lambda t: t.bricked), count_text)} are bricked and no abort "
        "criterion is met."
    )


def _bricked_in_others(forecast: Forecast) -> str:
    return band_text(forecast.of_unaborted(lambda t: t.bricked), count_text)


def _abort(forecast: Forecast) -> Iterator[Row]:
    section = "Abort"
    yield Row(section, "probability", share_text(forecast.abort_probability))
    if not forecast.aborted:
        return
    for criterion, probability in forecast.criteria:
        label = (
            f"by {criterion.failure_type} at {criterion.threshold_percentage:g}% "
            f"of {criterion.min_number_of_executed_things}+"
        )
        yield Row(section, label, share_text(probability))
    yield Row(section, "after", band_text(forecast.abort_seconds, duration_text))
    for label, count in (
        ("notified by then", forecast.of_aborted(lambda t: t.notified)),
        ("finished by then", forecast.of_aborted(lambda t: t.executed_at_abort)),
        ("failed by then", forecast.of_aborted(lambda t: t.failed_at_abort)),
        ("bricked by then", forecast.of_aborted(lambda t: t.bricked_at_abort)),
    ):
        yield Row(section, label, band_text(count, count_text))


def _things(forecast: Forecast) -> Iterator[Row]:
    section = "Things"
    yield Row(section, "bricked", band_text(forecast.of_all(lambda t: t.bricked), count_text))
    if forecast.is_undecided:
        stopped = band_text(forecast.of_aborted(lambda t: t.bricked), count_text)
        yield Row(section, "bricked when it aborts", stopped)
        yield Row(section, "bricked when it does not", _bricked_in_others(forecast))
    if forecast.aborted:
        text = band_text(Band.of(forecast.without_abort), count_text)
        yield Row(section, "bricked with no abort", text)
    for status in STATUSES:
        band = Band.of(found.by_status[status] for found in forecast.tallies)
        if band.high > 0:
            yield Row(section, _STATUS_WORDS[status.value], band_text(band, count_text))
    untouched = forecast.of_all(not_notified)
    if untouched.high > 0:
        yield Row(section, "never notified", band_text(untouched, count_text))


def _time(forecast: Forecast) -> Iterator[Row]:
    section = "Time"
    for percent in MILESTONES:
        band = forecast.finished_seconds(percent)
        yield Row(section, f"{percent}% finished", band_text(band, duration_text))
        if not math.isfinite(band.median):
            break
    yield Row(section, "all over", band_text(forecast.duration_seconds, duration_text))


def _traffic(forecast: Forecast) -> Iterator[Row]:
    section = "Traffic"
    peak = forecast.of_all(lambda t: t.peak_bytes_per_second)
    yield Row(section, "peak of all downloads", band_text(peak, rate_text))
    carried = forecast.of_all(lambda t: t.downloaded_bytes)
    yield Row(section, "downloaded", band_text(carried, bytes_text))
    messages = forecast.of_all(forecast.messages)
    yield Row(section, "MQTT messages", band_text(messages, count_text))
    calls = forecast.of_all(lambda t: sum(forecast.calls(t).values()))
    yield Row(section, "API calls of otactl", band_text(calls, count_text))


def _cost(forecast: Forecast) -> Iterator[Row]:
    section = "Cost"
    words = {
        "jobExecutions": "job executions",
        "mqttMessages": "MQTT messages",
        "s3": "S3 requests",
        "internetTraffic": "internet traffic",
        "alarms": "alarms",
    }
    bills = [forecast.bill(found) for found in forecast.tallies]
    for item, word in words.items():
        band = Band.of(of_run.items[item] for of_run in bills)
        if band.high >= 0.01:  # noqa: PLR2004  # less than a cent is not worth a line
            yield Row(section, word, band_text(band, dollars_text))
    total = Band.of(of_run.total for of_run in bills)
    label = f"total (prices of {forecast.prices.read})"
    yield Row(section, label, band_text(total, dollars_text))
