from __future__ import annotations

from collections import Counter

import pytest
from rich.console import Console

from otactl.fleet.fleet_context import FleetProgress
from otactl.model.job_configuration import AbortCriterion
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, FailureType, JobStatus
from otactl.rules.abort import distance
from otactl.views.fleet_status import describe
from otactl.views.monitor_terminal.overview import overview, summary_line
from otactl.views.wording import abort_words, over_words, percentage

S = ExecutionStatus
#: Three things, one of which failed four times: six executions.
RETRIED = JobCounts({S.SUCCEEDED: 2, S.FAILED: 4})


@pytest.mark.parametrize(
    ("counts", "things", "words"),
    [
        (JobCounts({S.SUCCEEDED: 1, S.QUEUED: 2}), 3, "1 of 3 finished"),
        (JobCounts({S.SUCCEEDED: 1}), 3, "1 of 3 finished"),
        (JobCounts({S.SUCCEEDED: 1}), None, "1 of 1 finished"),
        (RETRIED, 3, "6 of 6 executions finished"),
    ],
)
def test_executions_are_not_called_things(
    counts: JobCounts, things: int | None, words: str
) -> None:
    assert over_words(counts, things) == words


def test_things_that_are_notified_are_not_taken_for_all_while_more_are_notified() -> None:
    counts = JobCounts({S.SUCCEEDED: 10})
    job = JobDescription(job_id="j", status=JobStatus.IN_PROGRESS, counts=counts, rolling_out=True)
    unknown, known = JobSnapshot(at_ms=0, job=job), JobSnapshot(at_ms=0, job=job, things=20)

    assert "10 of 10 notified so far finished" in summary_line("j", unknown).plain
    assert "10 of 10 notified so far finished, 100%" in overview("j", unknown)[1].plain
    assert "10 of 20 finished, 50%" in overview("j", known)[1].plain


def test_a_job_with_retries_is_told_in_executions_on_the_terminal() -> None:
    job = JobDescription(job_id="j", status=JobStatus.IN_PROGRESS, counts=RETRIED)
    snapshot = JobSnapshot(at_ms=0, job=job, things=3, polled_ms=1)

    text = "\n".join(line.plain for line in overview("j", snapshot))

    assert "6 of 6 executions finished" in text
    assert "4 failed (of 6 executions on 3 things)" in text
    assert "6 of 6 executions finished" in summary_line("j", snapshot).plain


def test_a_fleet_tells_executions_when_there_are_more_than_devices() -> None:
    console = Console(no_color=True)
    progress = _progress(1, {S.FAILED: 3, S.SUCCEEDED: 1})
    once = _progress(2, {S.SUCCEEDED: 2})

    assert console.render_str(describe(progress)).plain.endswith(
        "executions: 3 failed, 1 succeeded"
    )
    assert console.render_str(describe(once)).plain.endswith("· 2 succeeded")


def _progress(things: int, finished: dict[ExecutionStatus | None, int]) -> FleetProgress:
    return FleetProgress(
        things=things,
        connected=things,
        phases=Counter(),
        finished=Counter(finished),
        is_settled=True,
    )


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "0%"),
        (0, 1_000_000, "0%"),
        (1, 1_000_000, "<0.1%"),
        (5, 1000, "0.5%"),
        (495, 1000, "50%"),
        (985, 1000, "98%"),
        (995, 1000, "99.5%"),
        (996, 1000, "99.6%"),
        (999_999, 1_000_000, "99.9%"),
        (1_000_000, 1_000_000, "100%"),
    ],
)
def test_a_share_is_0_only_for_nothing_and_100_only_for_all(
    part: int, whole: int, words: str
) -> None:
    assert percentage(part, whole) == words


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (0, "now 0.0%; 52,632 more in a row would cancel it"),
        (1, "now 0.0001%; 52,631 more in a row would cancel it"),
        (16_000, "now 1.6%; 35,790 more in a row would cancel it"),
        (49_999, "now 4.9999%; 2 more in a row would cancel it"),
        (50_000, "now 5.0%; met, AWS cancels the job"),
    ],
)
def test_a_criterion_that_is_not_met_does_not_look_met(failed: int, words: str) -> None:
    criterion = AbortCriterion(
        failure_type=FailureType.FAILED, threshold_percentage=5, min_number_of_executed_things=10
    )
    (progress,) = distance([criterion], {S.SUCCEEDED: 1_000_000 - failed, S.FAILED: failed})
    assert abort_words(progress) == f"FAILED at 5%: {words}"


@pytest.mark.parametrize("things", [1_000_000, 2_000_000])
def test_one_failure_in_a_million_is_visible_in_the_bar(things: int) -> None:
    counts = JobCounts({S.SUCCEEDED: 999_999, S.FAILED: 1})
    job = JobDescription(job_id="j", status=JobStatus.IN_PROGRESS, counts=counts)

    bar = overview("j", JobSnapshot(at_ms=0, job=job, things=things))[1].plain

    assert bar.count("X") == 1
    assert bar.index("]") == 41


def test_things_that_are_not_notified_are_visible_in_the_bar() -> None:
    job = JobDescription(
        job_id="j", status=JobStatus.IN_PROGRESS, counts=JobCounts({S.SUCCEEDED: 999_999})
    )
    bar = overview("j", JobSnapshot(at_ms=0, job=job, things=1_000_000))[1].plain
    assert bar[40:42] == " ]"
