"""The policy of a job as its request carries it, as the values that ``rules`` decide by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.model.job_configuration import (
    ExponentialRate,
    MaintenanceWindow,
    RateIncreaseCriteria,
    Rollout,
    Scheduling,
)


def rollout_of(job: Mapping[str, Any], per_minute: int) -> Rollout:
    """The rollout of a job.

    Args:
        job: With the members of CreateJob, which fit its shape.
        per_minute: What the service notifies in a minute at most.
    """
    config = job.get("jobExecutionsRolloutConfig") or {}
    rate = config.get("exponentialRate")
    maximum = min(config.get("maximumPerMinute") or per_minute, per_minute)
    if rate is None:
        return Rollout(maximum_per_minute=maximum)
    criteria = rate["rateIncreaseCriteria"]
    return Rollout(
        maximum_per_minute=maximum,
        exponential_rate=ExponentialRate(
            base_rate_per_minute=rate["baseRatePerMinute"],
            increment_factor=rate["incrementFactor"],
            rate_increase_criteria=RateIncreaseCriteria(
                number_of_notified_things=criteria.get("numberOfNotifiedThings"),
                number_of_succeeded_things=criteria.get("numberOfSucceededThings"),
            ),
        ),
    )


def scheduling_of(job: Mapping[str, Any]) -> Scheduling:
    """The schedule of a job; an empty one if it has none.

    Args:
        job: With the members of CreateJob, which fit its shape.
    """
    config = job.get("schedulingConfig") or {}
    return Scheduling(
        start_time=config.get("startTime"),
        end_time=config.get("endTime"),
        end_behavior=config.get("endBehavior"),
        maintenance_windows=tuple(
            MaintenanceWindow(
                start_time=window["startTime"], duration_minutes=window["durationInMinutes"]
            )
            for window in config.get("maintenanceWindows") or ()
        ),
    )
