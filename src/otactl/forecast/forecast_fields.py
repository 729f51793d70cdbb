"""A forecast as JSON, as ``docs/forecast.md`` describes it."""

from __future__ import annotations

from typing import Any

from otactl.forecast.attempts import STATUSES
from otactl.forecast.band import Band, band_fields
from otactl.forecast.summary import MILESTONES, Forecast, not_notified
from otactl.model.json_output import forecast as json_forecast
from otactl.model.json_output.shaping import shaped


def forecast_fields(
    forecast: Forecast, *, points: int = 120, end: int | None = None
) -> json_forecast.Forecast:
    """The forecast as ``--output json`` shows it, with N points of each curve up to a minute."""
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
    return shaped(
        json_forecast.Forecast,
        forecast,
        abort=abort,
        bricked={
            "total": forecast.of_all(lambda t: t.bricked).to_fields(),
            "withoutAbort": Band.of(forecast.without_abort).to_fields(0),
        },
        byStatus=_status_fields(forecast),
        finishedSeconds={
            str(percent): forecast.finished_seconds(percent).to_fields() for percent in MILESTONES
        },
        traffic={
            "downloads": forecast.of_all(lambda t: t.downloads).to_fields(),
            "bytes": forecast.of_all(lambda t: t.downloaded_bytes).to_fields(),
            "peakBytesPerSecond": forecast.of_all(lambda t: t.peak_bytes_per_second).to_fields(0),
            "mqttMessages": forecast.of_all(forecast.messages).to_fields(),
        },
        apiCalls=_call_fields(forecast),
        costUsd=_cost_fields(forecast),
        curves=forecast.curves(points, end).to_fields(),
    )


def _status_fields(forecast: Forecast) -> dict[str, json_forecast.Band]:
    fields: dict[str, Any] = {"NOT_NOTIFIED": forecast.of_all(not_notified).to_fields()}
    for status in STATUSES:
        counts = (found.by_status[status] for found in forecast.tallies)
        fields[status.value] = Band.of(counts).to_fields()
    return fields


def _call_fields(forecast: Forecast) -> dict[str, json_forecast.Band]:
    calls = [forecast.calls(found) for found in forecast.tallies]
    operations = sorted({operation for of_run in calls for operation in of_run})
    return {
        operation: Band.of(of_run.get(operation, 0) for of_run in calls).to_fields()
        for operation in operations
    }


def _cost_fields(forecast: Forecast) -> dict[str, json_forecast.Band | str]:
    bills = [forecast.bill(found) for found in forecast.tallies]
    fields: dict[str, Any] = {
        item: Band.of(of_run.items[item] for of_run in bills).to_fields(2)
        for item in bills[0].items
    }
    fields["total"] = Band.of(of_run.total for of_run in bills).to_fields(2)
    fields["pricesRead"] = forecast.prices.read.isoformat()
    return fields
