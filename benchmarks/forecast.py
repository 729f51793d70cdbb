"""How long a forecast takes, and what it costs per thing.

    python benchmarks/forecast.py

A million things, an hour-long exponential rollout with abort criteria, 20 runs, on two threads;
then fleets of other sizes with the same fleet profile, whose cost per thing must not grow. The
rollout goes faster than AWS's 1,000 per minute, as an account with a raised quota could, so that a
million things fit into its hour; and the criterion is one that this fleet does not meet, so that
nothing is left out. A second figure is the same fleet with a bad image: the abort ends it early. A
third is a million things in six waves whose versions are verified, at AWS's own 1,000 per minute.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from otactl.forecast.ensemble import Scenario
from otactl.forecast.price import shipped_prices
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.summary import make_forecast
from otactl.forecast.waves import WaveScenario, forecast_waves
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    RateIncreaseCriteria,
    Rollout,
)
from otactl.model.status import FailureType
from otactl.model.thing_state import VersionSource
from otactl.model.verify import VerifyRule
from otactl.model.wave import GateRule, Wave, Waves, WaveSize

if TYPE_CHECKING:
    from otactl.forecast.summary import Forecast

RUNS = 20
LIMIT_SECONDS = 10
LIMIT_MEBIBYTES = 1024
LIMIT_WAVES_SECONDS = 15


def rollout_of_an_hour(things: int) -> JobConfiguration:
    """From a thousandth of the fleet per minute to a 25th, in about an hour; aborts at 5%."""
    rate = ExponentialRate(
        base_rate_per_minute=max(1, things // 1000),
        increment_factor=1.5,
        rate_increase_criteria=RateIncreaseCriteria(number_of_notified_things=things // 100),
    )
    criterion = AbortCriterion(
        failure_type=FailureType.ALL, threshold_percentage=5, min_number_of_executed_things=200
    )
    return JobConfiguration(
        rollout=Rollout(maximum_per_minute=max(2, things // 25), exponential_rate=rate),
        abort_criteria=(criterion,),
        in_progress_timeout_minutes=60,
    )


def measure(scenario: Scenario) -> tuple[Forecast, float, float]:
    """The forecast, its wall time and its processor time, in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = make_forecast(scenario, name="benchmark", prices=shipped_prices())
    return made, time.perf_counter() - wall, time.process_time() - cpu


def six_waves() -> Waves:
    """Waves of verified things, up to a rest of three quarters."""
    rule = GateRule(required_verified=9_000)
    job = JobConfiguration(in_progress_timeout_minutes=60)
    sizes = [
        WaveSize(things=100),
        WaveSize(things=1_000),
        *(WaveSize(hundredths=each) for each in (100, 500, 2_000)),
        WaveSize(),
    ]
    return Waves(
        waves=tuple(
            Wave(name=f"wave-{number}", size=size, rule=rule, job=job)
            for number, size in enumerate(sizes)
        )
    )


def measure_waves(things: int) -> None:
    """Forecast a deployment in six waves, and print what it takes."""
    verify = VerifyRule(
        source=VersionSource(version_path=("version",)), expected_version="2", verify_ms=1_800_000
    )
    profile = FleetProfile(group=(Group(old_rate=0.001, dark_rate=0.001),))
    scenario = WaveScenario(
        waves=six_waves(),
        profile=profile,
        things=things,
        image_bytes=1_048_576,
        runs=RUNS,
        verify=verify,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    made = forecast_waves(scenario, name="benchmark")
    print(
        f"{things:,} things in {len(made.scenario.planned)} waves: "
        f"{time.perf_counter() - wall:.1f} s of {LIMIT_WAVES_SECONDS} s allowed, "
        f"{time.process_time() - cpu:.1f} s of processor time; all gates passed after "
        f"{made.end_seconds.median / 3600:.1f} h"
    )


def main() -> None:
    """Measure and print."""
    seconds = 0.0
    print(f"{'things':>10} {'wall s':>8} {'cpu s':>8} {'cpu ns per thing and run':>26}  rollout")
    for things in (10_000, 100_000, 1_000_000):
        scenario = Scenario(
            job=rollout_of_an_hour(things),
            profile=FleetProfile(),
            things=things,
            image_bytes=1_048_576,
            runs=RUNS,
        )
        made, wall, cpu = measure(scenario)
        notified = made.results[0].curves
        minutes = notified.minutes_until(notified.notified, things)
        per_thing = cpu / RUNS / things * 1e9
        print(f"{things:>10,} {wall:>8.2f} {cpu:>8.2f} {per_thing:>26.0f}  {minutes:.0f} minutes")
        seconds = wall
    aborted, wall, _ = measure(replace(scenario, profile=FleetProfile().with_failure_rate(0.2)))
    after = aborted.abort_seconds
    print(
        f"with an image that fails at 20%: {wall:.2f} s, aborted in "
        f"{aborted.abort_probability:.0%} of runs, after {after.median if after else 0:.0f} s"
    )
    measure_waves(1_000_000)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"a million things, {RUNS} runs: {seconds:.1f} s of {LIMIT_SECONDS} s allowed")
    print(f"peak memory: {mebibytes:.0f} MiB of {LIMIT_MEBIBYTES} MiB allowed")


if __name__ == "__main__":
    main()
