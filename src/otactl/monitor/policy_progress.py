"""How a job stands against its own policy: how fast it goes out, how near it is to aborting."""

from __future__ import annotations

from otactl.model.progress import AbortProgress, RolloutProgress
from otactl.model.snapshot import JobDescription
from otactl.model.status import ExecutionStatus
from otactl.rules.abort import distance
from otactl.rules.rollout import (
    DEFAULT_MAXIMUM_PER_MINUTE,
    RolloutState,
    depends_on_success,
    missing_for_raise,
    rate_per_minute,
)


def rollout_progress(job: JobDescription, unnotified: int | None) -> RolloutProgress | None:
    """How fast AWS notifies things now; None when all are notified."""
    if unnotified == 0:
        return None
    rollout = job.configuration.rollout
    state = RolloutState(
        waiting=unnotified or 0,
        notified=job.counts.total,
        succeeded=job.counts[ExecutionStatus.SUCCEEDED],
    )
    return RolloutProgress(
        rate_per_minute=rate_per_minute(rollout, state),
        maximum_per_minute=(
            DEFAULT_MAXIMUM_PER_MINUTE if rollout is None else rollout.maximum_per_minute
        ),
        missing_for_raise=missing_for_raise(rollout, state),
        counts_successes=depends_on_success(rollout),
    )


def abort_progress(job: JobDescription) -> tuple[AbortProgress, ...]:
    """How far each abort criterion is from cancelling the job, in the order of the list."""
    return tuple(
        AbortProgress(
            failure_type=found.criterion.failure_type,
            threshold_percentage=found.criterion.threshold_percentage,
            min_number_of_executed_things=found.criterion.min_number_of_executed_things,
            failed=found.failed,
            executed=found.executed,
            missing_executions=found.missing_executions,
            missing_failures=found.missing_failures,
        )
        for found in distance(job.configuration.abort_criteria, job.counts.by_status)
    )
