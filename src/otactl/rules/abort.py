"""When a job cancels itself, and how far it is from doing so.

| rule | source |
|---|---|
| nothing is checked until ``minNumberOfExecutedThings`` executions have ended | Developer Guide, |
| | job-configurations-api; aws-facts C |
| then percentage = matching failures / ended executions, and at least the threshold fires | same |
| criteria are tried in the order of the list; the first that is met cancels the job | same |
| every attempt is an execution of its own, so one thing may count several times | aws-facts A5, C |
| ALL counts FAILED, REJECTED and TIMED_OUT | botocore ``iot`` JobExecutionFailureType |
| the percentage has two decimals | botocore ``iot`` AbortThresholdPercentage |

botocore words the minimum as things *notified*; we follow the guide. Two points are UNCONFIRMED
(aws-facts C). CANCELED and REMOVED executions do not count as ended here: nothing was executed,
and the counts of a job that was just cancelled still show whether a criterion cancelled it. The
local cloud counts them. A failure that will be retried counts at once, as in the local cloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otactl.model.job_configuration import AbortCriterion
from otactl.model.progress import AbortProgress
from otactl.model.status import ExecutionStatus

Counts = Mapping[ExecutionStatus, int]

#: The statuses of an execution that was executed: the denominator of every percentage.
EXECUTED = frozenset(
    {
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.FAILED,
        ExecutionStatus.REJECTED,
        ExecutionStatus.TIMED_OUT,
    }
)
#: 100% in hundredths of a percent, the unit of all comparisons.
WHOLE = 10_000


def threshold_hundredths(criterion: AbortCriterion) -> int:
    """The threshold in hundredths of a percent: exact, as it has two decimals."""
    return round(criterion.threshold_percentage * 100)


def executed(counts: Counts) -> int:
    """Executions that ended in one of the ``EXECUTED`` statuses."""
    return sum(counts.get(status, 0) for status in EXECUTED)


def failures(criterion: AbortCriterion, counts: Counts) -> int:
    """Executions that ended in the way this criterion counts."""
    return sum(counts.get(status, 0) for status in criterion.failure_type.statuses)


def is_met(criterion: AbortCriterion, failed: int, ended: int) -> bool:
    """Whether this many failures among this many ended executions meet the criterion."""
    return (
        ended >= max(1, criterion.min_number_of_executed_things)
        and failed * WHOLE >= threshold_hundredths(criterion) * ended
    )


def firing_criterion(criteria: Sequence[AbortCriterion], counts: Counts) -> AbortCriterion | None:
    """The criterion that cancels the job now, or None."""
    ended = executed(counts)
    for criterion in criteria:
        if is_met(criterion, failures(criterion, counts), ended):
            return criterion
    return None


def distance(criteria: Sequence[AbortCriterion], counts: Counts) -> tuple[AbortProgress, ...]:
    """How far each criterion is from firing, in the order of the list."""
    ended = executed(counts)
    return tuple(_distance(criterion, failures(criterion, counts), ended) for criterion in criteria)


def missing_failures(criterion: AbortCriterion, failed: int, ended: int) -> int | None:
    """How many more failures in a row meet the criterion; each also counts as ended.

    With f more, ``(failed + f) / (ended + f) >= threshold`` gives f by division; a threshold of
    100% is met only while nothing has ended in another way (None afterwards).
    """
    threshold = threshold_hundredths(criterion)
    minimum = max(0, max(1, criterion.min_number_of_executed_things) - ended)
    short = threshold * ended - WHOLE * failed
    if short <= 0:
        return minimum
    if threshold >= WHOLE:
        return None
    return max(minimum, -(-short // (WHOLE - threshold)))


def _distance(criterion: AbortCriterion, failed: int, ended: int) -> AbortProgress:
    return AbortProgress(
        failure_type=criterion.failure_type,
        threshold_percentage=criterion.threshold_percentage,
        min_number_of_executed_things=criterion.min_number_of_executed_things,
        failed=failed,
        executed=ended,
        missing_executions=max(0, max(1, criterion.min_number_of_executed_things) - ended),
        missing_failures=missing_failures(criterion, failed, ended),
    )
