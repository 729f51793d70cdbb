"""What an alarm on the executions of a job counts.

| rule | source |
|---|---|
| ``…JobExecutionCount`` moved into the state in the period, ``…TotalCount`` is in it now | |
| | Developer Guide, metrics_dimensions; aws-facts I2 |
| the stack's own metrics have the value 1 for each execution that ends | docs/stack.md |
"""

from __future__ import annotations

from otactl.model.alarm import SERVICE_NAMESPACE, Alarm, Statistic
from otactl.model.status import FailureType

_TOTAL = "JobExecutionTotalCount"
#: Each metric without the service's ending, in lower case, and what it counts.
_FAILURES = {
    "failed": FailureType.FAILED,
    "rejected": FailureType.REJECTED,
    "timedout": FailureType.TIMED_OUT,
}
_SUCCESSES = frozenset({"succeeded", "succeded"})


def counts_successes(alarm: Alarm) -> bool:
    """Whether its metric counts executions that SUCCEEDED."""
    return _state(alarm) in _SUCCESSES


def counted_failures(alarm: Alarm) -> FailureType | None:
    """The failures that its metric counts; None where it counts something else."""
    return _FAILURES.get(_state(alarm))


def is_running_total(alarm: Alarm) -> bool:
    """Whether its metric counts all executions that are in a state, not those of a period."""
    return alarm.metric_name.endswith(_TOTAL)


def adds_up(alarm: Alarm) -> bool:
    """Whether the statistic grows with the number of executions."""
    if alarm.namespace == SERVICE_NAMESPACE:
        return alarm.statistic != Statistic.SAMPLE_COUNT
    return alarm.statistic in (Statistic.SUM, Statistic.SAMPLE_COUNT)


def _state(alarm: Alarm) -> str:
    name = alarm.metric_name.removesuffix("Count").removesuffix("Total")
    return name.removesuffix("JobExecution").lower()
