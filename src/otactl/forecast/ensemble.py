"""Many runs of one scenario, each with its own seed.

The runs are independent and NumPy releases the interpreter while it works, so threads are enough
to use the processors. The seed of a run depends only on the seed of the scenario and the number of
the run: the result is the same for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np

from otactl.forecast.attempts import NEVER, Integers
from otactl.forecast.profile import FleetProfile
from otactl.forecast.run import Pace, run
from otactl.forecast.run_result import RunResult, run_result
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.model.job_configuration import JobConfiguration, Scheduling
from otactl.rules.schedule import open_minutes, time_left

T = TypeVar("T")
MINUTES_PER_DAY = 1440
#: Runs played at a time.
WORKERS = 2
#: Points of each curve that are kept per run: every minute of the first sixteen hours.
CURVE_POINTS = 2000
#: Things that are enough to estimate a fleet's behaviour.
SAMPLE = 20_000
#: The same for the number bricked without an abort, which is shown with a band.
UNSTOPPED_SAMPLE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetScenario:
    """The part of a scenario that does not depend on the rollout.

    Attributes:
        runs: Number of runs.
        seed: Seed of the random numbers.
        horizon_days: Later ends are ignored; with waves, the horizon of each wave.
        begins: When the rollout begins, UTC; only maintenance windows and an end depend on it.
    """

    profile: FleetProfile
    things: int
    image_bytes: int
    runs: int = 20
    seed: int = 1
    horizon_days: int = 30
    begins: datetime = datetime(2027, 1, 4, tzinfo=UTC)

    @property
    def horizon_minutes(self) -> int:
        """The horizon in minutes."""
        return self.horizon_days * MINUTES_PER_DAY

    def played(
        self, play_one: Callable[[np.random.SeedSequence], T], workers: int = WORKERS
    ) -> Generator[T]:
        """Play the runs, each with its seed; closing the generator stops."""
        seeds = np.random.SeedSequence(self.seed).spawn(self.runs)
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="forecast") as pool:
            yield from pool.map(play_one, seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(FleetScenario):
    """A rollout of one job to a fleet."""

    job: JobConfiguration

    @property
    def by_url(self) -> bool:
        """Whether the image comes by presigned URL instead of by stream."""
        return self.job.presigned_url is not None


def opens_of(scheduling: Scheduling | None, begins: datetime, horizon_minutes: int) -> Integers:
    """The minutes after ``begins`` in which things may be notified, and last the horizon."""
    opens = open_minutes(scheduling, begins, horizon_minutes)
    return np.append(np.asarray(opens, dtype=np.int64), horizon_minutes)


def end_ms(scheduling: Scheduling | None, begins: datetime) -> int:
    """When a schedule ends, in milliseconds after ``begins``; NEVER if it does not."""
    left = time_left(scheduling, begins.replace(second=0, microsecond=0))
    return NEVER if left is None else max(0, left // timedelta(milliseconds=1))


def plays(scenario: Scenario, *, workers: int = WORKERS) -> Generator[RunResult]:
    """Play the runs; closing the generator stops."""
    pace, scheduling = Pace(scenario.job.rollout, scenario.things), scenario.job.scheduling
    opens = opens_of(scheduling, scenario.begins, scenario.horizon_minutes)
    return scenario.played(lambda seed: _play_one(scenario, pace, opens, seed), workers)


def counted(runs: Iterable[T], on_run: Callable[[int], None] | None) -> tuple[T, ...]:
    """All the runs; ``on_run`` gets the number done, in the caller's thread."""
    done: list[T] = []
    for found in runs:
        done.append(found)
        if on_run is not None:
            on_run(len(done))
    return tuple(done)


def play(
    scenario: Scenario, *, workers: int = WORKERS, on_run: Callable[[int], None] | None = None
) -> tuple[RunResult, ...]:
    """Play every run."""
    return counted(plays(scenario, workers=workers), on_run)


def bricked_without_abort(scenario: Scenario) -> tuple[float, ...]:
    """The number of things that each run would brick if no criterion stopped it.

    Without an abort the rate does not matter, so things are notified at once; a large fleet is
    scaled up from a sample. Things are bricked independently of each other, so the spread of the
    whole fleet is that of the sample times the root of the scale, not times the scale. The mean of
    the samples is uncertain too, which widens it by ``1 + scale / runs``.
    """
    if scenario.things < 1:
        return (0.0,)
    sample = min(scenario.things, UNSTOPPED_SAMPLE)
    job = replace(scenario.job, abort_criteria=(), rollout=None, scheduling=None)
    counts = [found.bricked for found in play(replace(scenario, job=job, things=sample))]
    if sample == scenario.things:
        return tuple(float(count) for count in counts)
    scale, mean = scenario.things / sample, sum(counts) / len(counts)
    spread = math.sqrt(scale * (1 + scale / len(counts)))
    return tuple(max(0.0, scale * mean + spread * (count - mean)) for count in counts)


def _play_one(
    scenario: Scenario, pace: Pace, opens: Integers, seed: np.random.SeedSequence
) -> RunResult:
    generator = np.random.Generator(np.random.SFC64(seed))
    fleet = SampledFleet(
        scenario.profile,
        scenario.things,
        scenario.image_bytes,
        generator,
        by_url=scenario.by_url,
    )
    scheduling = scenario.job.scheduling
    one_run = run(fleet, scenario.job, pace, opens, end_ms(scheduling, scenario.begins))
    found = run_result(
        one_run,
        things=scenario.things,
        image_bytes=scenario.image_bytes,
        horizon_minutes=scenario.horizon_minutes,
    )
    goes_on = found.aborted_ms is None and not (scheduling and scheduling.end_time)
    return replace(
        found,
        curves=found.curves.thinned(CURVE_POINTS),
        # More things are notified beyond the horizon.
        settled_ms=None if goes_on and found.notified < scenario.things else found.settled_ms,
    )
