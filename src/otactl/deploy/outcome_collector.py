"""Collects the result of each thing, with a limited number of calls.

ListJobExecutionsForJob gives the status of 250 executions per call but no status details;
DescribeJobExecution gives the details of one thing per call (aws-facts A5). So everything is
listed once and passed on to be kept, details are fetched up to the limit, failures first, and the
rest of the limit is used for a sample of those that succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from otactl.deploy.ports import Jobs
from otactl.model.limits import PAGE
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts
from otactl.model.status import ExecutionStatus

_UNSUCCESSFUL = tuple(
    status for status in ExecutionStatus if status is not ExecutionStatus.SUCCEEDED
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedOutcomes:
    """The collected results.

    Attributes:
        counts: Things by the status of their last execution.
        outcomes: Every thing that did not succeed, and a sample of the others with details.
    """

    counts: dict[ExecutionStatus, int]
    outcomes: tuple[ThingOutcome, ...]


def collect_outcomes(
    jobs: Jobs,
    job_id: str,
    counts: JobCounts,
    *,
    may_repeat: bool,
    detail_limit: int,
    on_progress: Callable[[int, int], None],
    keep: Callable[[Sequence[ThingOutcome]], None],
    only: Collection[str] | None = None,
    may_rejoin: bool = False,
) -> CollectedOutcomes:
    """Collect the results of the things of a job that is over.

    Args:
        jobs: IoT Jobs.
        job_id: The job.
        counts: AWS's counts of executions: a status without any is not listed.
        may_repeat: Whether a thing can have several executions: by retries, or by joining a
            CONTINUOUS job again. Its last one counts.
        detail_limit: The most things that are described one by one.
        on_progress: Called with how many of them were described, and the limit.
        keep: Gets every execution that is listed, then again those with details.
        only: The names of the things that count; None for all. AWS's counts have no names, so
            with this those that succeeded are counted in the list.
        may_rejoin: Whether a thing can get the job again after it succeeded; then too.
    """
    is_counted = may_rejoin or only is not None

    def listed(status: ExecutionStatus) -> Iterator[ThingOutcome]:
        found = jobs.executions(job_id, status)
        return kept_by_page((one for one in found if only is None or one.thing_name in only), keep)

    unsuccessful = _last_per_thing(
        execution for status in _UNSUCCESSFUL if counts[status] for execution in listed(status)
    )
    succeeded: list[ThingOutcome] = []
    names = set[str]()
    if counts[ExecutionStatus.SUCCEEDED]:
        for execution in listed(ExecutionStatus.SUCCEEDED):
            name = execution.thing_name
            failed = unsuccessful.get(name) if may_repeat else None
            if failed is not None and execution.execution_number < failed.execution_number:
                continue
            if failed is not None:
                # It succeeded in a later attempt.
                del unsuccessful[name]
            if len(succeeded) < detail_limit and name not in names:
                succeeded.append(execution)
            if is_counted:
                names.add(name)
    successes = len(names) if is_counted else counts[ExecutionStatus.SUCCEEDED]
    by_status = {ExecutionStatus.SUCCEEDED: successes}
    for outcome in unsuccessful.values():
        by_status[outcome.status] = by_status.get(outcome.status, 0) + 1
    outcomes = list(_detailed(jobs, job_id, unsuccessful.values(), detail_limit, on_progress))
    sample_size = max(0, detail_limit - len(outcomes))
    outcomes += _detailed(jobs, job_id, succeeded[:sample_size], sample_size, on_progress)
    keep([outcome for outcome in outcomes if outcome.status_details])
    return CollectedOutcomes(counts=by_status, outcomes=tuple(outcomes))


def kept_by_page(
    executions: Iterable[ThingOutcome], keep: Callable[[Sequence[ThingOutcome]], None]
) -> Iterator[ThingOutcome]:
    """The same executions; each part of a page is passed to ``keep``."""
    part: list[ThingOutcome] = []
    for execution in executions:
        part.append(execution)
        if len(part) == PAGE:
            keep(part)
            part = []
        yield execution
    if part:
        keep(part)


def _last_per_thing(executions: Iterable[ThingOutcome]) -> dict[str, ThingOutcome]:
    last: dict[str, ThingOutcome] = {}
    for execution in executions:
        known = last.get(execution.thing_name)
        if known is None or known.execution_number < execution.execution_number:
            last[execution.thing_name] = execution
    return last


def _detailed(
    jobs: Jobs,
    job_id: str,
    outcomes: Iterable[ThingOutcome],
    limit: int,
    on_progress: Callable[[int, int], None],
) -> Iterator[ThingOutcome]:
    for index, outcome in enumerate(outcomes):
        if index >= limit:
            yield outcome
            continue
        yield jobs.execution(job_id, outcome.thing_name) or outcome
        on_progress(index + 1, limit)
