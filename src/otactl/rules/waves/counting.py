"""What became of a wave, by the list of its job's executions.

DescribeJob counts attempts, not things (aws-facts A5), so nothing here rests on its counters.

- Of each thing the last execution counts.
- Ended: SUCCEEDED, REJECTED, and FAILED or TIMED_OUT with no retry left.
- CANCELED and REMOVED, and a thing without an execution once the job is over: not reached.
- Everything else is open: not notified yet, QUEUED, IN_PROGRESS, or about to be tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from otactl.model.job_configuration import RetryCriterion
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.rules.retry import retries_left

_NOT_REACHED = (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCount:
    """Things of a wave by what became of them.

    Attributes:
        given: How many things the wave has.
        not_reached: Things that will not get the job any more.
        first_started_ms: When the first of them began, epoch milliseconds by AWS's clock; None
            when none has.
        ends: When each thing that ended did so, and whether it succeeded; in order of time.
    """

    given: int
    not_reached: int = 0
    first_started_ms: int | None = None
    ends: tuple[tuple[int, bool], ...] = ()
    #: The same by the name of the thing, as far as names are known.
    ended_things: Mapping[str, tuple[int, bool]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def ended(self) -> int:
        """Things that ended, well or badly."""
        return len(self.ends)

    @property
    def succeeded(self) -> int:
        """Things that ended well."""
        return sum(succeeded for _, succeeded in self.ends)

    @property
    def failed(self) -> int:
        """Things that ended badly."""
        return self.ended - self.succeeded

    @property
    def open(self) -> int:
        """Things that may still end."""
        return self.given - self.not_reached - self.ended


def count_wave(
    things: Collection[str],
    executions: Iterable[ThingOutcome],
    retries: tuple[RetryCriterion, ...] = (),
    *,
    is_over: bool,
) -> WaveCount:
    """Count a wave.

    Args:
        things: The names of its things; executions of others are not looked at.
        executions: Of its job, in any order, the same one more than once if need be.
        retries: The job's retry criteria.
        is_over: Whether the job is COMPLETED or CANCELED: nothing is notified or tried again.
    """
    last: dict[str, ThingOutcome] = {}
    first_started: int | None = None
    for execution in executions:
        name = execution.thing_name
        if name not in things:
            continue
        started = execution.started_at_ms
        if started is not None and (first_started is None or started < first_started):
            first_started = started
        if name not in last or _is_later(execution, last[name]):
            last[name] = execution
    ends: dict[str, tuple[int, bool]] = {}
    not_reached = len(things) - len(last) if is_over else 0
    for execution in last.values():
        if execution.status in _NOT_REACHED:
            not_reached += 1
        elif _has_ended(execution, retries, is_over=is_over):
            succeeded = execution.status is ExecutionStatus.SUCCEEDED
            ends[execution.thing_name] = (execution.updated_at_ms or 0, succeeded)
    return WaveCount(
        given=len(things),
        not_reached=not_reached,
        first_started_ms=first_started,
        ends=tuple(sorted(ends.values())),
        ended_things=ends,
    )


def _is_later(one: ThingOutcome, other: ThingOutcome) -> bool:
    """Whether it is the later attempt, or the later sight of the same one."""
    return _order(one) > _order(other)


def _order(execution: ThingOutcome) -> tuple[int, bool, int, str]:
    status = execution.status
    return (
        execution.execution_number, status.is_terminal, execution.updated_at_ms or 0, status.value
    )  # fmt: skip


def _has_ended(
    execution: ThingOutcome, retries: tuple[RetryCriterion, ...], *, is_over: bool
) -> bool:
    if not execution.status.is_terminal:
        return False
    return is_over or not retries_left(retries, execution.status, execution.execution_number)
