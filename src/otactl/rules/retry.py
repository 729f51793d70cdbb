"""How often a failed execution is started again on the same thing.

| rule | source |
|---|---|
| FAILED and TIMED_OUT may be retried, REJECTED never | Developer Guide, |
| | jobs-configurations-details; aws-facts D, E |
| ALL is used alone and covers FAILED and TIMED_OUT | botocore ``iot`` RetryableFailureType |
| 0 to 10 retries, both types together at most 10 per thing | botocore ``iot`` |
| | NumberOfRetries; aws-facts D |
| each retry is an execution of its own in the job's counters | aws-facts A5 |
"""

from __future__ import annotations

from otactl.model.job_configuration import RetryCriterion
from otactl.model.status import ExecutionStatus, FailureType

#: Most retries of one thing within one job, even if the criteria add up to more.
MAX_RETRIES_PER_THING = 10

#: Which failures each kind of criterion retries. REJECTED is the thing's "do not try again".
RETRIED_STATUSES: dict[FailureType, frozenset[ExecutionStatus]] = {
    FailureType.FAILED: frozenset({ExecutionStatus.FAILED}),
    FailureType.TIMED_OUT: frozenset({ExecutionStatus.TIMED_OUT}),
    FailureType.REJECTED: frozenset(),
    FailureType.ALL: frozenset({ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT}),
}


def retries_left(
    criteria: tuple[RetryCriterion, ...], status: ExecutionStatus, attempts_so_far: int
) -> int:
    """How many retries a thing has left after its latest execution ended with ``status``.

    Only the number of attempts is known, not how each of them ended, so a thing that failed in
    two ways is judged by the criterion of its latest failure. Whether the service counts the two
    ways separately is UNCONFIRMED (aws-facts D).

    Args:
        criteria: The job's retry criteria.
        status: How the latest execution ended.
        attempts_so_far: Executions that ended on this thing in this job, the latest included.
    """
    allowed = sum(
        criterion.number_of_retries
        for criterion in criteria
        if status in RETRIED_STATUSES[criterion.failure_type]
    )
    return max(0, min(allowed, MAX_RETRIES_PER_THING) - max(0, attempts_so_far - 1))
