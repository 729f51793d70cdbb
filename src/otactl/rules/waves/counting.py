"""The counts of a wave, by the list of its job's executions, and how many it must have verified.

DescribeJob counts attempts, not things (aws-facts A5), so its counters are not used here.

- The last execution of each thing counts.
- Ended: SUCCEEDED, REJECTED, and FAILED or TIMED_OUT with no retry left.
- CANCELED and REMOVED, and a thing without an execution once the job is over: not reached.
- Everything else is open: not notified yet, QUEUED, IN_PROGRESS, or about to be retried.

``requiredVerifiedPercentage`` is of the things that ended, and rounds up to whole things as every
threshold of a gate does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from otactl.model.job_configuration import RetryCriterion
from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus
from otactl.model.verify import counts_words
from otactl.model.wave import GateRule, percent_words
from otactl.rules.retry import retries_left
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.membership import share_of

_NOT_REACHED = (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCount:
    """The things of a wave, by result.

    Attributes:
        given: How many things the wave has.
        not_reached: Things that will not get the job any more.
        first_started_ms: When the first thing began, epoch milliseconds by AWS's clock; None
            before.
        ends: The end of each thing that ended, and whether it succeeded; in order of time.
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
        things: The names of its things; executions of others are ignored.
        executions: Of its job, in any order; the same one may occur more than once.
        retries: The job's retry criteria.
        is_over: Whether the job is COMPLETED or CANCELED: nothing is notified or retried.
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
        # The later attempt, or the later report of the same one.
        if name not in last or _order(execution) > _order(last[name]):
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


def slack_of(rule: GateRule, count: WaveCount) -> int | None:
    """How many succeeded things may be bad before too few can be verified; None for any number."""
    if rule.required_verified is None:
        return None
    return count.succeeded + count.open - share_of(count.ended + count.open, rule.required_verified)


def allowed_unverified(rule: GateRule, given: int) -> int | None:
    """How many things of a whole wave may end unverified; None for any number."""
    if rule.required_verified is None:
        return None
    return given - share_of(given, rule.required_verified)


def why_lost(rule: GateRule, count: WaveCount, versions: VersionCount | None) -> str:
    """Why too few can be verified even if every open thing will be; empty if enough can."""
    slack = slack_of(rule, count)
    if versions is None or slack is None or versions.bad <= slack:
        return ""
    required = percent_words(rule.required_verified or 0)
    return (
        f"{versions.bad:,} of {count.succeeded:,} things that succeeded do not run the new version"
        f" ({counts_words(versions.by_verdict)}): {required} can no longer be verified"
        " (requiredVerifiedPercentage)"
    )


def why_short(rule: GateRule, count: WaveCount, versions: VersionCount | None) -> str:
    """Why too few are verified so far; empty if enough are, or none need to be."""
    if rule.required_verified is None or versions is None:
        return ""
    needed = share_of(count.ended, rule.required_verified)
    if versions.verified >= needed:
        return ""
    return (
        f"{versions.verified:,} of {count.ended:,} that ended are verified ({needed:,} needed)"
        + (f": {counts_words(versions.by_verdict)}" if versions.by_verdict else "")
    )


def pending_of(count: WaveCount, versions: VersionCount) -> int:
    """Things that succeeded and have no verdict yet."""
    return count.succeeded - versions.verified - versions.bad - versions.unknown
