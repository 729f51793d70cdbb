"""A forecast: the results of many runs of one scenario, as bands and never as single lines.

Tables, pages and scripts show only what is in ``Forecast``; its JSON form is described in
``docs/forecast.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from otactl.forecast.band import FEWEST_RUNS, Band
from otactl.forecast.cost import (
    Bill,
    api_calls,
    bill,
    messages_per_download,
    messages_per_execution,
)
from otactl.forecast.curve_band import CurveBand, curve_bands, shown_minutes
from otactl.forecast.ensemble import (
    MINUTES_PER_DAY,
    Scenario,
    bricked_without_abort,
    opens_of,
    play,
)
from otactl.forecast.price import Prices
from otactl.forecast.run_result import RunResult
from otactl.model.job_configuration import AbortCriterion, Scheduling
from otactl.model.status import TargetSelection
from otactl.wire.stream_payload import MAX_FILE_SIZE

#: Shares of the fleet whose finishing is reported, in percent.
MILESTONES = (50, 90, 95, 99)
_MS = 1000
_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The forecast of one scenario.

    Attributes:
        name: Name of the scenario, such as its file.
        results: The runs.
        without_abort: Things bricked per run if no criterion stopped it.
        alarms: Number of alarms that the deployment creates.
    """

    scenario: Scenario
    name: str
    results: tuple[RunResult, ...]
    without_abort: tuple[float, ...]
    prices: Prices
    alarms: int = 0
    notes: tuple[str, ...] = ()

    @property
    def aborted(self) -> tuple[RunResult, ...]:
        """The runs in which a criterion was met."""
        return tuple(found for found in self.results if found.aborted_ms is not None)

    @property
    def unaborted(self) -> tuple[RunResult, ...]:
        """The runs in which none was met."""
        return tuple(found for found in self.results if found.aborted_ms is None)

    @property
    def is_undecided(self) -> bool:
        """Whether the job aborts itself in some runs and not in others."""
        return 0 < self.abort_probability < 1

    @property
    def aborts_likely(self) -> bool:
        """Whether the job aborts itself in half of the runs or more."""
        return 2 * len(self.aborted) >= len(self.results)

    @property
    def abort_probability(self) -> float:
        """The share of runs in which a criterion was met."""
        return len(self.aborted) / len(self.results)

    @property
    def abort_seconds(self) -> Band | None:
        """When a criterion was met, over the runs in which one was met."""
        return self.of_aborted(lambda t: (t.aborted_ms or 0) / _MS)

    def of_aborted(self, count: Callable[[RunResult], float]) -> Band | None:
        """The band of a count over the runs in which a criterion was met."""
        return Band.of_any(map(count, self.aborted))

    def of_unaborted(self, count: Callable[[RunResult], float]) -> Band | None:
        """The band of a count over the runs in which none was met."""
        return Band.of_any(map(count, self.unaborted))

    def of_all(self, count: Callable[[RunResult], float]) -> Band:
        """The band of a count over all runs."""
        return Band.of(map(count, self.results))

    @property
    def criteria(self) -> tuple[tuple[AbortCriterion, float], ...]:
        """Each abort criterion and the share of runs in which it was the one that was met."""
        return tuple(
            (criterion, sum(t.criterion == location for t in self.results) / len(self.results))
            for location, criterion in enumerate(self.scenario.job.abort_criteria)
        )

    @property
    def duration_seconds(self) -> Band:
        """Until the last execution is over; infinite in runs in which some never are."""
        return self.of_all(lambda t: math.inf if t.settled_ms is None else t.settled_ms / _MS)

    @property
    def ends_probability(self) -> float:
        """The share of runs in which every execution is over within the horizon."""
        return sum(found.settled_ms is not None for found in self.results) / len(self.results)

    def finished_seconds(self, percent: float) -> Band:
        """Until N percent of the fleet have finished, successfully or not."""
        return self.of_all(lambda t: finished_seconds(t, percent))

    @property
    def shown_minutes(self) -> int:
        """The length of a time axis that shows what happens in most runs."""
        return shown_minutes(self.results)

    def curves(self, points: int = 300, end: int | None = None) -> CurveBand:
        """The counts over time as bands, up to a minute."""
        return curve_bands(self.results, points, end or self.shown_minutes)

    def messages(self, found: RunResult) -> int:
        """Metered MQTT messages of a run."""
        delivery, image = self.scenario.profile.delivery, self.scenario.image_bytes
        executions = sum(found.executions.values())
        blocks = 0 if self.scenario.by_url else messages_per_download(delivery, image)
        return found.downloads * blocks + executions * messages_per_execution(delivery)

    def calls(self, found: RunResult) -> dict[str, int]:
        """API calls of a run, as otactl makes them."""
        return api_calls(
            executions=found.executions,
            watched_seconds=self._watched_seconds(found),
            streamed=not self.scenario.by_url,
            alarms=self.alarms,
        )

    def bill(self, found: RunResult) -> Bill:
        """What a run costs."""
        return bill(
            self.prices,
            executions=sum(found.executions.values()),
            messages=self.messages(found),
            downloads=found.downloads,
            downloaded_bytes=found.downloaded_bytes,
            by_url=self.scenario.by_url,
            alarms=self.alarms,
        )

    def _watched_seconds(self, found: RunResult) -> float:
        """Until the job ends; if it does not end, until 99% have finished."""
        if found.aborted_ms is not None:
            return found.aborted_ms / _MS
        if found.settled_ms is not None:
            return found.settled_ms / _MS
        watched = finished_seconds(found, MILESTONES[-1])
        last = float(found.curves.minutes[-1]) * _MINUTE_SECONDS
        return watched if math.isfinite(watched) else last


def finished_seconds(found: RunResult, percent: float) -> float:
    """Until N percent of the fleet have finished in this run.

    Exact to a minute in the first sixteen hours and to a hundredth of the time after them; never
    later than the last end.
    """
    curves = found.curves
    wanted = math.ceil(found.things * percent / 100)
    minutes = curves.minutes_until(curves.succeeded + curves.unsuccessful, wanted)
    seconds = minutes * _MINUTE_SECONDS
    return seconds if found.settled_ms is None else min(seconds, found.settled_ms / _MS)


def not_notified(found: RunResult) -> int:
    """Things that never got an execution."""
    return found.things - found.notified


def make_forecast(
    scenario: Scenario,
    *,
    name: str,
    prices: Prices,
    alarms: int = 0,
    notes: Iterable[str] = (),
    on_run: Callable[[int], None] | None = None,
) -> Forecast:
    """Play a scenario and put its runs together; ``on_run`` gets the number done."""
    results = play(scenario, on_run=on_run)
    was_aborted = any(found.aborted_ms is not None for found in results)
    return Forecast(
        scenario=scenario,
        name=name,
        results=results,
        without_abort=(
            bricked_without_abort(scenario)
            if was_aborted
            else tuple(float(found.bricked) for found in results)
        ),
        prices=prices,
        alarms=alarms,
        notes=(*_notes(scenario), *notes),
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
    """Notes on the effect of a job's schedule on a forecast."""
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
        notes.append(f"no thing is notified after endTime, {scheduling.end_time} ({behavior})")
    return ["; ".join([*notes, f"time counts from when it begins, {begins:%Y-%m-%d %H:%M} UTC"])]
