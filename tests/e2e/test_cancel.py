"""``otactl cancel``: a job, one thing's execution, by force, and what cannot be cancelled."""

from __future__ import annotations

import json

import pytest
from tests.e2e.program import otactl
from tests.support.scripted_things import scripted_things

from otactl.model.status import USER_CANCEL_REASON_CODE


@pytest.fixture
def things(clients, unique):
    with scripted_things(clients, [f"stop-{unique}-{number}" for number in range(3)]) as made:
        yield made


@pytest.fixture
def job(things, unique):
    """One thing is in the middle of its update, two wait."""
    made = things.job(f"stop-{unique}")
    things.report(made, "IN_PROGRESS", things.names[0], step="downloading")
    return made


@pytest.fixture
def cancel(cloud, tmp_path):
    def run(*arguments):
        return otactl("cancel", *arguments, "--state-dir", str(tmp_path), cloud=cloud)

    return run


@pytest.fixture
def status_of(clients, job):
    def poll(thing_name):
        answer = clients.iot.describe_job_execution(jobId=job, thingName=thing_name)
        return answer["execution"]["status"]

    return poll


def test_a_job_is_cancelled_and_what_is_in_progress_goes_on(
    cancel, clients, things, job, status_of
):
    run = cancel(job, "--yes", "--comment", "the wrong image")

    assert run.returncode == 0, run.stderr
    assert f"job {job} is being cancelled; things in progress finish their update" in run.stderr
    found = clients.iot.describe_job(jobId=job)["job"]
    assert (found["status"], found["comment"]) == ("CANCELED", "the wrong image")
    assert (found["reasonCode"], found.get("forceCanceled", False)) == (
        USER_CANCEL_REASON_CODE,
        False,
    )
    assert status_of(things.names[0]) == "IN_PROGRESS"
    assert status_of(things.names[1]) == "CANCELED"


def test_by_force_what_is_in_progress_is_cancelled_too(cancel, clients, things, job, status_of):
    run = cancel(job, "--yes", "--force", "--output", "json")

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "schemaVersion": 1,
        "jobId": job,
        "thing": None,
        "force": True,
        "cancelled": True,
    }
    assert clients.iot.describe_job(jobId=job)["job"]["forceCanceled"]
    assert status_of(things.names[0]) == "CANCELED"


def test_one_things_execution_is_cancelled_and_the_job_goes_on(
    cancel, clients, things, job, status_of
):
    run = cancel(job, "--thing", things.names[1], "--yes")

    assert run.returncode == 0, run.stderr
    assert status_of(things.names[1]) == "CANCELED"
    assert status_of(things.names[2]) == "QUEUED"
    assert clients.iot.describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"


def test_an_execution_in_progress_is_only_cancelled_by_force(cancel, things, job, status_of):
    name = things.names[0]
    refused = cancel(job, "--thing", name, "--yes")

    assert refused.returncode == 2
    assert "cannot be cancelled" in refused.stderr
    assert "--force" in refused.stderr
    assert status_of(name) == "IN_PROGRESS"

    assert cancel(job, "--thing", name, "--yes", "--force").returncode == 0
    assert status_of(name) == "CANCELED"


def test_what_is_not_agreed_to_is_not_done(cancel, clients, job):
    run = cancel(job)  # standard input is no terminal: nobody can agree

    assert run.returncode == 2
    assert "pass --yes to confirm" in run.stderr
    assert f"Cancel job {job}?" in run.stderr
    assert clients.iot.describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-job", "--yes"), "there is no job no-such-job"),
        (("no such id", "--yes"), "is no job id"),
        (("no-such-job", "--thing", "not a name", "--yes"), "is no thing name"),
        (("no-such-job", "--thing", "t", "--yes"), "there is no job no-such-job on thing t"),
    ],
)
def test_what_is_not_there_cannot_be_cancelled(cancel, arguments, words):
    run = cancel(*arguments)

    assert run.returncode == 2, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_job_that_is_over_says_so(cancel, things, job):
    things.report(job, "SUCCEEDED")

    run = cancel(job, "--yes")

    assert run.returncode == 2
    assert f"job {job} cannot be cancelled" in run.stderr
    assert "COMPLETED" in run.stderr


@pytest.mark.parametrize("options", [(), ("--force",), ("--thing", "pump")])
def test_what_is_not_there_is_said_before_anybody_is_asked(cloud, options):
    run = otactl("cancel", "there-is-none", *options, cloud=cloud)

    assert run.returncode == 2
    assert "there is no job there-is-none" in run.stderr
