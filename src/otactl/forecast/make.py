"""Makes a forecast: plays the scenario, puts its runs together, and says what to mind about it."""

from __future__ import annotations

from collections.abc import Callable

from otactl.forecast.band import FEWEST_RUNS
from otactl.forecast.calls import Watch
from otactl.forecast.ensemble import Scenario, bricked_without_abort, play
from otactl.forecast.price import Prices
from otactl.forecast.summary import Forecast
from otactl.model.status import TargetSelection
from otactl.wire.stream_payload import MAX_FILE_SIZE


def make_forecast(
    scenario: Scenario,
    *,
    name: str,
    prices: Prices,
    alarms: int = 0,
    watch: Watch | None = None,
    workers: int = 2,
    on_run: Callable[[int], None] | None = None,
) -> Forecast:
    """Play a scenario and put its runs together.

    Args:
        scenario: What is forecast.
        name: What to call it.
        prices: What AWS charges.
        alarms: How many alarms the deployment makes.
        watch: How otactl would look at the running job.
        workers: How many runs at a time.
        on_run: Called with how many runs are done.
    """
    tallies = play(scenario, workers=workers, on_run=on_run)
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
        watch=watch or Watch(),
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
    return (*notes, *_schedule_notes(scenario))


def _schedule_notes(scenario: Scenario) -> list[str]:
    scheduling = scenario.job.scheduling
    if scheduling is None:
        return []
    begins = f"{scenario.begins:%Y-%m-%d %H:%M} UTC"
    if scheduling.maintenance_windows:
        what = "things are notified in the maintenance windows alone"
        if len(scenario.open_minutes) == 1:
            what = f"no maintenance window opens within {scenario.horizon_days} days"
        return [f"{what}; time counts from {begins}"]
    if scheduling.end_time is not None:
        behavior = scheduling.end_behavior or "STOP_ROLLOUT"
        return [f"nobody is notified after endTime ({behavior}); time counts from {begins}"]
    return [f"time counts from when the rollout begins, {begins}"]
