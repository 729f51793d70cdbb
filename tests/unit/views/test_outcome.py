"""Whether a job went well is told by the things that succeeded, not by COMPLETED."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.job_world import JobWorld

from otactl.model.job_configuration import JobConfiguration, RetryCriterion
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, FailureType, JobStatus
from otactl.monitor.board import Board
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.views.monitor_terminal.overview import overview, summary_line
from otactl.views.outcome import Tone, outcome_of
from otactl.views.page.job_fields import BoardNews

S = ExecutionStatus
WITH_RETRIES = JobConfiguration(
    retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=1),)
)


def a_snapshot(status=JobStatus.COMPLETED, *, things=None, succeeded=0, failed=0, queued=0):
    """A job that is over unless IN_PROGRESS."""
    world = JobWorld()
    names = [f"thing-{number}" for number in range(succeeded + failed + queued)]
    world.create(things=names)
    world.end(S.SUCCEEDED, *names[:succeeded])
    world.end(S.FAILED, *names[succeeded : succeeded + failed], reason="flash full")
    watcher = JobWatcher("job", world, world, WatchPolicy(), things=lambda: things)
    watcher.poll(extra_calls=50)
    snapshot = watcher.snapshot()
    ended_ms = None if status is JobStatus.IN_PROGRESS else snapshot.at_ms
    job = replace(snapshot.job, status=status, completed_at_ms=ended_ms)
    return replace(snapshot, job=job)


def page_words(snapshot):
    world = JobWorld()
    board = Board([JobWatcher("job", world, world, WatchPolicy())])
    board.put("job", snapshot)
    return BoardNews(board).fields()["jobs"][0]["words"]


@pytest.mark.parametrize(
    ("snapshot", "tone", "words"),
    [
        (a_snapshot(succeeded=3), Tone.GOOD, "3 of 3 succeeded, 100%"),
        (a_snapshot(succeeded=265, failed=20), Tone.BAD, "265 of 285 succeeded, 93%"),
        (a_snapshot(things=4, succeeded=3), Tone.BAD, "3 of 4 succeeded, 75%"),
        (a_snapshot(JobStatus.CANCELED, succeeded=3), Tone.BAD, "3 of 3 succeeded, 100%"),
        (a_snapshot(JobStatus.IN_PROGRESS, succeeded=1, queued=2), Tone.RUNNING, ""),
        (a_snapshot(JobStatus.IN_PROGRESS, failed=1, queued=2), Tone.BAD, "1 unsuccessful"),
    ],
)
def test_a_job_is_good_only_if_every_thing_succeeded(snapshot, tone, words):
    outcome = outcome_of(snapshot)
    assert (outcome.tone, outcome.words) == (tone, words)


def test_a_thing_that_succeeded_in_its_second_attempt_is_one_thing_that_succeeded():
    snapshot = a_snapshot(succeeded=3)
    counts = JobCounts({S.SUCCEEDED: 3, S.FAILED: 1})
    tried_again = replace(
        snapshot, job=replace(snapshot.job, counts=counts, configuration=WITH_RETRIES)
    )
    assert outcome_of(tried_again).words == "3 of 3 succeeded, 100%"
    assert outcome_of(tried_again).tone is Tone.GOOD


def test_the_page_tells_the_share_that_succeeded_when_the_job_is_over():
    words = page_words(a_snapshot(succeeded=9, failed=1))
    assert (words["share"], words["shareOf"], words["tone"]) == ("90%", "succeeded", "bad")
    assert words["tab"] == "1 unsuccessful"
    assert not words["pace"]

    words = page_words(a_snapshot(JobStatus.IN_PROGRESS, succeeded=1, failed=1, queued=2))
    assert (words["share"], words["shareOf"], words["tab"]) == (
        "50%",
        "finished",
        "50%, 1 unsuccessful",
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [(JobStatus.CANCELED, "never notified"), (JobStatus.IN_PROGRESS, "not notified yet")],
)
def test_things_that_a_cancelled_job_left_out_are_never_notified(status, words):
    snapshot = a_snapshot(status, things=13, succeeded=3)
    assert page_words(snapshot)["unnotified"] == words
    assert f"10 {words}" in summary_line("job", snapshot).plain


def test_the_terminal_shows_the_share_that_succeeded_and_colours_it():
    lines = overview("job", a_snapshot(succeeded=265, failed=20))
    bar = next(line for line in lines if "succeeded, 93%" in line.plain)
    assert "265 of 285 succeeded, 93%" in bar.plain
    assert "red" in {str(span.style) for span in bar.spans}
    assert "over" not in bar.plain
    assert "bold red" in {str(span.style) for span in lines[0].spans}


def test_a_page_is_told_that_aws_did_not_answer():
    world = JobWorld()
    world.create(things=["thing-1"])
    watcher = JobWatcher("job", world, world, WatchPolicy())
    watcher.poll()
    board = Board([watcher])
    board.put("job", watcher.snapshot(note="AWS is out of reach", is_stale=True))
    assert BoardNews(board).fields()["jobs"][0]["isStale"]


@pytest.mark.parametrize("configuration", [JobConfiguration(), WITH_RETRIES])
def test_a_job_that_was_deleted_before_its_failures_were_listed_is_not_good(configuration):
    job = JobDescription(
        job_id="job",
        status=JobStatus.COMPLETED,
        counts=JobCounts({S.SUCCEEDED: 990, S.FAILED: 10}),
        configuration=configuration,
        completed_at_ms=2,
    )
    outcome = outcome_of(JobSnapshot(at_ms=3, job=job, gone=True))
    assert (outcome.tone, outcome.words) == (Tone.BAD, "990 of 1,000 succeeded, 99%")


def test_a_job_that_succeeded_is_good_also_while_it_is_deleted():
    assert outcome_of(a_snapshot(JobStatus.DELETION_IN_PROGRESS, succeeded=3)).tone is Tone.GOOD
    assert outcome_of(a_snapshot(JobStatus.DELETION_IN_PROGRESS, failed=3)).tone is Tone.BAD
