"""A forecast as JSON, as ``docs/forecast.md`` describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otactl.forecast.attempts import STATUSES
from otactl.forecast.band import Band, band_fields
from otactl.forecast.summary import MILESTONES, Forecast, not_notified
from otactl.model.json_output import forecast as json_forecast
from otactl.model.json_output.shaping import shaped


def forecast_fields(
    forecast: Forecast, *, points: int = 120, end: int | None = None
) -> json_forecast.Forecast:
    """The forecast for ``--output json``, with N points of each curve up to a minute."""
    abort = shaped(
        json_forecast.Abort,
        forecast,
        criteria=[
            shaped(json_forecast.AbortProbability, criterion, probability=probability)
            for criterion, probability in forecast.criteria
        ],
        notified=band_fields(forecast.of_aborted(lambda t: t.notified)),
        executed=band_fields(forecast.of_aborted(lambda t: t.executed_at_abort)),
        failed=band_fields(forecast.of_aborted(lambda t: t.failed_at_abort)),
        bricked=band_fields(forecast.of_aborted(lambda t: t.bricked_at_abort)),
    )
    bills = [forecast.bill(found) for found in forecast.results]
    return shaped(
        json_forecast.Forecast,
        forecast,
        abort=abort,
        bricked={
            "total": forecast.of_all(lambda t: t.bricked).to_fields(),
            "withoutAbort": Band.of(forecast.without_abort).to_fields(0),
        },
        byStatus={
            "NOT_NOTIFIED": forecast.of_all(not_notified).to_fields(),
            **_bands([{one.value: t.by_status[one] for one in STATUSES} for t in forecast.results]),
        },
        finishedSeconds={
            str(percent): forecast.finished_seconds(percent).to_fields() for percent in MILESTONES
        },
        traffic={
            "downloads": forecast.of_all(lambda t: t.downloads).to_fields(),
            "bytes": forecast.of_all(lambda t: t.downloaded_bytes).to_fields(),
            "peakBytesPerSecond": forecast.of_all(lambda t: t.peak_bytes_per_second).to_fields(0),
            "mqttMessages": forecast.of_all(forecast.messages).to_fields(),
        },
        apiCalls=dict(sorted(_bands(list(map(forecast.calls, forecast.results))).items())),
        costUsd={
            **_bands([{**bill.items, "total": bill.total} for bill in bills], 2),
            "pricesRead": forecast.prices.read.isoformat(),
        },
        curves=forecast.curves(points, end).to_fields(),
    )


def _bands(runs: Sequence[Mapping[str, float]], digits: int = 3) -> dict[str, json_forecast.Band]:
    """The band of each number of the runs, by name; a missing number is 0."""
    names = dict.fromkeys(name for numbers in runs for name in numbers)
    return {
        name: Band.of(numbers.get(name, 0) for numbers in runs).to_fields(digits) for name in names
    }
