"""Makes a forecast: plays the scenario, puts its runs together, and says what to mind about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from otactl.forecast.band import FEWEST_RUNS
from otactl.forecast.ensemble import (
    MINUTES_PER_DAY,
    Scenario,
    bricked_without_abort,
    opens_of,
    play,
)
from otactl.forecast.price import Prices
from otactl.forecast.summary import Forecast
from otactl.model.job_configuration import Scheduling
from otactl.model.status import TargetSelection
from otactl.wire.stream_payload import MAX_FILE_SIZE


def make_forecast(
    scenario: Scenario,
    *,
    name: str,
    prices: Prices,
    alarms: int = 0,
    on_run: Callable[[int], None] | None = None,
) -> Forecast:
    """Play a scenario and put its runs together; ``on_run`` hears how many are done."""
    tallies = play(scenario, on_run=on_run)
    was_aborted = any(found.aborted_ms is not None for found in tallies)
    return Forecast(
        scenario=scenario,
        name=name,
        tallies=tallies,
        without_abort=(
            bricked_without_abort(scenario)
            if was_aborted
            else tuple(float(found.bricked) for found in tallies)
        ),
        prices=prices,
        alarms=alarms,
        notes=_notes(scenario),
    )


def _notes(scenario: Scenario) -> tuple[str, ...]:
    notes = []
    if scenario.runs < FEWEST_RUNS:
        notes.append(
            f"{scenario.runs} runs are too few for a 90% band: the bands are all that was seen; "
            f"use --runs {FEWEST_RUNS} or more"
        )
    if not scenario.by_url and scenario.image_bytes > MAX_FILE_SIZE:
        notes.append(
            f"this cannot be deployed: an image of {scenario.image_bytes:,} bytes is more than the "
            f"{MAX_FILE_SIZE:,} that a stream carries; usePresignedUrlConfig = True delivers it"
        )
    if scenario.job.target_selection is TargetSelection.CONTINUOUS:
        notes.append(
            "a CONTINUOUS job never completes, and things that join later are not in the forecast"
        )
    return (
        *notes,
        *schedule_notes(scenario.job.scheduling, scenario.begins, scenario.horizon_days),
    )


def schedule_notes(scheduling: Scheduling | None, begins: datetime, horizon_days: int) -> list[str]:
    """What the schedule of a job, or of several, does to a forecast."""
    if scheduling is None:
        return []
    notes = []
    if scheduling.maintenance_windows:
        what = "things are notified in the maintenance windows alone"
        if len(opens_of(scheduling, begins, horizon_days * MINUTES_PER_DAY)) == 1:
            what = f"no maintenance window opens within {horizon_days} days"
        notes.append(what)
    if scheduling.end_time is not None:
        behavior = scheduling.end_behavior or "STOP_ROLLOUT"
        notes.append(f"nobody is notified after endTime, {scheduling.end_time} ({behavior})")
    return ["; ".join([*notes, f"time counts from when it begins, {begins:%Y-%m-%d %H:%M} UTC"])]
