"""Scenarios for tests of the forecast, and the executions they would leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otactl.forecast.attempts import NEVER, STATUSES, executions
from otactl.forecast.calibrate.record import ExecutionRecord
from otactl.forecast.distribution import Distribution
from otactl.forecast.ensemble import Scenario
from otactl.forecast.profile import FleetProfile, Group
from otactl.forecast.sampled_fleet import SampledFleet
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    RateIncreaseCriteria,
    Rollout,
)
from otactl.model.status import FailureType

if TYPE_CHECKING:
    from typing import Any


def constant(value: float) -> Distribution:
    return Distribution(constant=value)


def steady_group(**fields: Any) -> Group:
    """Things that are all alike and never fail: 1 s to start, 10 s to download, 5 s to install."""
    steady = {
        "online": 1.0,
        "start_delay_seconds": constant(1),
        "bandwidth_bytes_per_second": constant(100_000),
        "install_seconds": constant(5),
        "reboot_seconds": constant(0),
        "failure_rate": 0.0,
        "silence_rate": 0.0,
    }
    return Group(**{**steady, **fields})


#: From the notification to the report of a steady thing, with an image of a million bytes.
STEADY_SECONDS = 16


def steady(**fields: Any) -> FleetProfile:
    return FleetProfile(group=(steady_group(**fields),))


def hasty(rejection_rate: float, *, low: int, high: int) -> FleetProfile:
    """Rejections are instant and downloads are slow: the first ends are all rejections."""
    bandwidth = {"low": low, "high": high}
    group = Group(online=1.0, rejection_rate=rejection_rate, bandwidth_bytes_per_second=bandwidth)
    return FleetProfile(group=(group,))


def criterion(
    percentage: float, minimum: int, failure_type: FailureType = FailureType.ALL
) -> AbortCriterion:
    return AbortCriterion(
        failure_type=failure_type,
        threshold_percentage=percentage,
        min_number_of_executed_things=minimum,
    )


def constant_rate(per_minute: int, *criteria: AbortCriterion, **fields: Any) -> JobConfiguration:
    return JobConfiguration(
        rollout=Rollout(maximum_per_minute=per_minute), abort_criteria=criteria, **fields
    )


def exponential_rate(
    base: int, factor: float, maximum: int, *criteria: AbortCriterion, **step: int
) -> JobConfiguration:
    return JobConfiguration(
        rollout=Rollout(
            maximum_per_minute=maximum,
            exponential_rate=ExponentialRate(
                base_rate_per_minute=base,
                increment_factor=factor,
                rate_increase_criteria=RateIncreaseCriteria(**step),
            ),
        ),
        abort_criteria=criteria,
        in_progress_timeout_minutes=60,
    )


def scenario(job: JobConfiguration, profile: FleetProfile, things: int, **fields: Any) -> Scenario:
    usual = {"image_bytes": 1_000_000, "runs": 5, "horizon_days": 7}
    return Scenario(job=job, profile=profile, things=things, **{**usual, **fields})


def records(
    job: JobConfiguration, profile: FleetProfile, things: int, *, seed: int, image_bytes: int
) -> tuple[ExecutionRecord, ...]:
    """What a deployment to such a fleet, all notified at once, would leave in a report."""
    generator = np.random.Generator(np.random.PCG64(seed))
    fleet = SampledFleet(profile, things, image_bytes, generator)
    found = executions(fleet, job, 0, np.zeros(things, dtype=np.int64))
    attempts = found.attempts
    return tuple(
        ExecutionRecord(
            thing_name=f"thing-{attempts.thing[i]}",
            status=STATUSES[found.status[i]],
            execution_number=int(found.attempt[i]),
            queued_at_ms=int(attempts.queued_ms[i]),
            started_at_ms=_time(int(attempts.started_ms[i])),
            updated_at_ms=_time(int(found.ended_ms[i])),
            status_details={"downloadTime": str(attempts.download_ms[i] / 1000)},
        )
        for i in range(len(found))
    )


def _time(at_ms: int) -> int | None:
    return None if at_ms >= NEVER else at_ms
