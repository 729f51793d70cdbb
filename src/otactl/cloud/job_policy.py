"""The policy of a job as its request carries it, as the values that ``rules`` decide by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.model.job_configuration import Rollout, Scheduling
from otactl.model.members import value_of


def rollout_of(job: Mapping[str, Any], per_minute: int) -> Rollout:
    """The rollout of a job.

    Args:
        job: With the members of CreateJob, which fit its shape.
        per_minute: What the service notifies in a minute at most.
    """
    config = job.get("jobExecutionsRolloutConfig") or {}
    maximum = min(config.get("maximumPerMinute") or per_minute, per_minute)
    return value_of(Rollout, {**config, "maximumPerMinute": maximum})


def scheduling_of(job: Mapping[str, Any]) -> Scheduling:
    """The schedule of a job; an empty one if it has none.

    Args:
        job: With the members of CreateJob, which fit its shape.
    """
    return value_of(Scheduling, job.get("schedulingConfig") or {})
