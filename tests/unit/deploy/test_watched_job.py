"""When a watched job is over, and how it failed: by the service and by the journal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from otactl.deploy.journal_reader import DeploymentStatus
from otactl.deploy.ownership import describe_ours
from otactl.deploy.watched_job import WatchedJob
from otactl.errors import DeploymentFailed, JobDeleted, UserMistake
from otactl.model.progress import RoundSummary
from otactl.model.snapshot import JobCounts, JobDescription, JobSnapshot
from otactl.model.status import ExecutionStatus, JobStatus

FIRST, SECOND = "20261124T100000Z-aaaaaa", "20261124T110000Z-bbbbbb"
RUNNING = DeploymentStatus(
    things=3, rounds=1, done=(), is_running=True, has_ended=False, failure=None, alarms=()
)
ENDED = replace(RUNNING, is_running=False, has_ended=True)


@dataclass
class StandingJournal:
    """A journal as a test wants it."""

    deployment_id: str = FIRST
    status: DeploymentStatus = RUNNING
    at_work: bool = True

    def now(self):
        return self.status

    def is_at_work(self):
        return self.at_work


@dataclass
class Shelf:
    """The journals of a machine."""

    journals: list[StandingJournal] = field(default_factory=list)

    def of(self, deployment_id, job_id):
        return next((one for one in self.journals if one.deployment_id == deployment_id), None)

    def newest(self, _job_id):
        return self.journals[-1] if self.journals else None


def a_snapshot(status=JobStatus.IN_PROGRESS, *, by=FIRST, round_number=1, gone=False, **counts):
    job = JobDescription(
        job_id="job",
        status=status,
        counts=JobCounts({ExecutionStatus[name]: count for name, count in counts.items()}),
        description=describe_ours(by, f"round {round_number}"),
    )
    return JobSnapshot(at_ms=1, job=job, gone=gone, polled_ms=1)


NONE = JobSnapshot(at_ms=1, job=None, polled_ms=1)


def test_a_job_that_is_not_there_is_waited_for_only_when_somebody_says_so():
    assert WatchedJob("job").is_over(NONE)
    assert not WatchedJob("job", waits=True).is_over(NONE)
    assert isinstance(WatchedJob("job").failure(NONE, "us-east-1"), UserMistake)


def test_a_deployment_at_work_will_create_its_job_and_needs_no_wish():
    shelf = Shelf([StandingJournal()])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf)

    assert not subject.is_over(NONE)
    assert "will create it" in subject.failure(NONE, "us-east-1").hint


@pytest.mark.parametrize("failure", [None, DeploymentFailed("1 of 3 things did not succeed")])
def test_a_deployment_that_ends_before_its_job_was_seen_is_believed(failure):
    shelf = Shelf([StandingJournal()])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf, waits=True)
    assert not subject.is_over(NONE)

    shelf.journals[0].status = replace(ENDED, failure=failure)
    shelf.journals[0].at_work = False

    assert subject.is_over(NONE)
    assert subject.failure(NONE, "us-east-1") is failure


def test_a_deployment_that_was_killed_before_its_job_was_seen_is_no_success():
    shelf = Shelf([StandingJournal()])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf)
    subject.is_over(NONE)

    shelf.journals[0].at_work = False

    assert subject.is_over(NONE)
    assert "was stopped before it ended" in str(subject.failure(NONE, "us-east-1"))


def test_a_deployment_that_is_begun_while_somebody_waits_is_found():
    shelf = Shelf([StandingJournal(FIRST, ENDED, at_work=False)])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf, waits=True)
    assert not subject.is_over(NONE)

    shelf.journals.append(StandingJournal(SECOND, replace(RUNNING, rounds=2)))
    subject.is_over(a_snapshot(by=SECOND, round_number=2, QUEUED=3))

    assert subject.rounds().current == 2


def test_a_journal_of_another_deployment_says_nothing_of_a_job():
    shelf = Shelf([StandingJournal()])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf, count_things=lambda: 7)

    subject.is_over(a_snapshot(by=SECOND, QUEUED=3))

    assert subject.things() == 7


def test_a_job_that_is_gone_is_over_when_its_deployment_has_written_how_it_ended():
    shelf = Shelf([StandingJournal()])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf)
    gone = a_snapshot(JobStatus.COMPLETED, gone=True, SUCCEEDED=3)
    assert not subject.is_over(gone)

    shelf.journals[0].status, shelf.journals[0].at_work = ENDED, False

    assert subject.is_over(gone)
    assert subject.failure(gone, "us-east-1") is None


def test_a_job_that_its_own_deployment_deletes_was_not_deleted_by_somebody_else():
    """On AWS that takes a while, and DescribeJob says so meanwhile."""
    journal = StandingJournal()
    subject = WatchedJob("job", journal)
    removed = a_snapshot(JobStatus.DELETION_IN_PROGRESS, SUCCEEDED=3)
    assert not subject.is_over(removed)

    journal.status, journal.at_work = ENDED, False

    assert subject.is_over(removed)
    assert subject.failure(removed, "us-east-1") is None


@pytest.mark.parametrize("journal", [None, StandingJournal(at_work=False)])
def test_a_job_that_somebody_else_is_deleting_is_over_once_it_is_gone(journal):
    """A watch that ended while AWS was deleting it would show that for ever."""
    subject = WatchedJob("job", journal, journals=Shelf())
    removed = a_snapshot(JobStatus.DELETION_IN_PROGRESS, QUEUED=3)

    assert not subject.is_over(removed)
    assert subject.is_over(replace(removed, gone=True))
    assert isinstance(subject.failure(removed, "us-east-1"), JobDeleted)


def test_a_job_that_nobody_here_deployed_and_that_is_gone_was_deleted():
    subject = WatchedJob("job", journals=Shelf())
    gone = a_snapshot(gone=True, QUEUED=3)

    assert subject.is_over(gone)
    assert isinstance(subject.failure(gone, "us-east-1"), JobDeleted)


def test_a_job_that_is_gone_with_the_process_that_deployed_it_is_not_blamed_on_others():
    subject = WatchedJob("job", StandingJournal(at_work=False))
    gone = a_snapshot(gone=True, QUEUED=3)

    assert subject.is_over(gone)
    failure = subject.failure(gone, "us-east-1")
    assert isinstance(failure, JobDeleted)
    assert "its deployment was stopped before it ended" in str(failure)
    assert "otactl resume" in failure.hint


def test_between_two_rounds_a_job_that_is_gone_is_not_over():
    shelf = Shelf([StandingJournal(status=replace(RUNNING, rounds=2))])
    subject = WatchedJob("job", shelf.journals[0], journals=shelf)

    assert not subject.is_over(a_snapshot(JobStatus.COMPLETED, gone=True, SUCCEEDED=3))


def test_a_round_is_over_when_its_deployment_has_written_it_down():
    def written(*numbers):
        done = tuple(
            RoundSummary(round=number, status="COMPLETED", counts={}, duration_seconds=1)
            for number in numbers
        )
        return replace(RUNNING, rounds=2, done=done)

    journal = StandingJournal(status=written(1))
    subject = WatchedJob("job", journal)
    ended = a_snapshot(JobStatus.COMPLETED, round_number=2, SUCCEEDED=3)

    # AWS says that the job is completed before the deployment has looked again.
    assert not subject.is_over(ended)
    journal.status = written(1, 2)
    assert subject.is_over(ended)
    # One that was killed meanwhile will not write any more.
    journal.status, journal.at_work = written(1), False
    assert subject.is_over(ended)


def test_failures_that_aws_counts_and_does_not_list_are_failures():
    failure = WatchedJob("job").failure(
        a_snapshot(JobStatus.COMPLETED, SUCCEEDED=990, FAILED=10), "us-east-1"
    )
    assert isinstance(failure, DeploymentFailed)
    assert "10 things did not succeed" in str(failure)
