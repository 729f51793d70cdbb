"""Nothing live is deleted unasked: one function deletes jobs, and it asks for a consent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import otactl
from otactl.deploy.consent import Consent, Deletion, ForcedCancel, end_job
from otactl.deploy.ports import CreateJobRequest
from otactl.errors import JobUnfinished
from otactl.model.job_configuration import JobConfiguration
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection

SRC = Path(otactl.__file__).parent
S = ExecutionStatus

#: Who may call what. The adapter only translates; the force-stopper is an alarm the user armed.
CALLERS = {
    "delete_job": {"aws/jobs.py", "deploy/consent.py"},
    "force_cancel_job": {"deploy/consent.py"},
    "forced cancel_job": {"aws/jobs.py", "lambdas/force_stopper.py"},
}


def calls_in(path: Path):
    """What a module calls of this: method names, and CancelJob with any ``force`` but False."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            force = [word for word in node.keywords if word.arg in ("force", None)]
            plain = all(
                isinstance(word.value, ast.Constant) and word.value.value is False for word in force
            )
            if name in ("delete_job", "force_cancel_job"):
                yield name
            elif name == "cancel_job" and not plain:
                yield "forced cancel_job"


def test_one_function_deletes_jobs_and_cancels_them_by_force():
    callers = {name: set() for name in CALLERS}
    for path in SRC.rglob("*.py"):
        if path.relative_to(SRC).parts[:2] == ("cloud", "ministack"):
            continue  # the service's side of the local cloud
        for name in calls_in(path):
            callers[name].add(path.relative_to(SRC).as_posix())

    assert callers == CALLERS


def test_nothing_reaches_the_operations_by_their_names_as_text():
    names = ("delete_job", "delete-job", "DeleteJob", "force_cancel_job")
    found = {
        path.relative_to(SRC).as_posix()
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }

    assert found == set()


def a_job(status: JobStatus, *, selection=TargetSelection.SNAPSHOT, **counts) -> JobDescription:
    return JobDescription(
        job_id="job",
        status=status,
        counts=JobCounts({S[name]: count for name, count in counts.items()}),
        configuration=JobConfiguration(target_selection=selection),
    )


class OneJob:
    """IoT Jobs with one job, which notes what is done to it."""

    def __init__(self, job):
        self.job = job
        self.done = []

    def describe(self, job_id):
        return self.job

    def delete_job(self, job_id):
        self.done.append("delete")

    def force_cancel_job(self, job_id, *, reason_code, comment):
        self.done.append("cancel")


UNFINISHED = {
    "in progress": a_job(JobStatus.IN_PROGRESS, IN_PROGRESS=1),
    "nothing notified yet": a_job(JobStatus.IN_PROGRESS),
    "all ended, not completed yet": a_job(JobStatus.IN_PROGRESS, SUCCEEDED=3),
    "scheduled": a_job(JobStatus.SCHEDULED),
    "cancelled while devices install": a_job(JobStatus.CANCELED, IN_PROGRESS=1, CANCELED=2),
    "continuous": a_job(
        JobStatus.IN_PROGRESS, selection=TargetSelection.CONTINUOUS, SUCCEEDED=3, IN_PROGRESS=1
    ),
    "continuous, settled": a_job(
        JobStatus.IN_PROGRESS, selection=TargetSelection.CONTINUOUS, SUCCEEDED=3
    ),
    "continuous, of nothing": a_job(JobStatus.IN_PROGRESS, selection=TargetSelection.CONTINUOUS),
}
ENDED = {
    "completed": a_job(JobStatus.COMPLETED, SUCCEEDED=3),
    "cancelled": a_job(JobStatus.CANCELED, CANCELED=2),
    "being deleted": a_job(JobStatus.DELETION_IN_PROGRESS, IN_PROGRESS=1),
}
ACTS = [Deletion(), ForcedCancel("CODE", "why")]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", UNFINISHED)
@pytest.mark.parametrize("consent", [Consent.ENDED, Consent.SETTLED])
def test_an_unfinished_job_is_refused_without_the_users_word(name, act, consent):
    jobs = OneJob(UNFINISHED[name])
    may = consent is Consent.SETTLED and name == "continuous, settled"

    if may:
        end_job(jobs, "job", act, consent)
    else:
        with pytest.raises(JobUnfinished, match="job job has not ended"):
            end_job(jobs, "job", act, consent)

    assert len(jobs.done) == may


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "consent", [Consent.ANSWERED, Consent.YES, Consent.FORCE, Consent.REHEARSAL]
)
def test_the_users_word_ends_any_job(act, consent):
    jobs = OneJob(UNFINISHED["in progress"])

    end_job(jobs, "job", act, consent)

    assert len(jobs.done) == 1


@pytest.mark.parametrize("name", ENDED)
def test_what_has_ended_needs_no_word(name):
    jobs = OneJob(ENDED[name])

    end_job(jobs, "job", Deletion(), Consent.ENDED)

    assert jobs.done == ["delete"]


def test_what_is_gone_needs_nothing():
    jobs = OneJob(None)

    end_job(jobs, "job", Deletion(), Consent.ENDED)

    assert jobs.done == []


def test_that_it_has_ended_is_looked_up_at_the_moment_of_deletion(aws):
    """Not by an earlier look: a job that ended for a moment may have got new things since."""
    request = CreateJobRequest(
        job_id="job",
        targets=("arn:aws:iot:eu-central-1:123456789012:thing/t0",),
        document="{}",
        description="",
        configuration=JobConfiguration(),
    )
    aws.jobs.create(request)
    assert not aws.jobs.describe("job").is_unfinished
    aws.jobs.status = JobStatus.IN_PROGRESS

    with pytest.raises(JobUnfinished):
        end_job(aws.jobs, "job", Deletion(), Consent.ENDED)

    assert aws.jobs.deleted_unfinished == []
