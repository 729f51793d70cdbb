"""``otactl monitor`` as scripts use it: JSON, exit codes, several jobs, followed things, events."""

from __future__ import annotations

import json
import signal

import pytest
from tests.e2e.program import environment, otactl
from tests.e2e.running_program import RunningProgram
from tests.support.scripted_things import scripted_things

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.event_configuration import NEEDED_EVENTS


@pytest.fixture
def things(clients, unique):
    with scripted_things(clients, [f"seen-{unique}-{number}" for number in range(4)]) as made:
        yield made


@pytest.fixture
def job(things, unique):
    return things.job(f"job-{unique}")


@pytest.fixture
def monitor(cloud, tmp_path):
    """Start `otactl monitor` on the shared cloud, looking often."""

    def start(*arguments, **options):
        return RunningProgram(
            "monitor",
            *arguments,
            "--poll",
            "0.3",
            "--state-dir",
            str(tmp_path / "state"),
            env=environment(cloud),
            **options,
        )

    return start


def counts(fields, *statuses):
    return tuple(fields["counts"][status] for status in statuses)


def test_one_look_prints_how_the_job_stands_and_ends(cloud, things, job):
    things.report(job, "IN_PROGRESS", things.names[0], step="downloading")
    things.report(job, "FAILED", things.names[1], reason="flash full")

    text = otactl("monitor", "--job-id", job, "--once", cloud=cloud)
    reported = otactl("monitor", "--job-id", job, "--once", "--output", "json", cloud=cloud)

    assert (text.returncode, reported.returncode) == (0, 0), text.stderr + reported.stderr
    for words in (job, "IN_PROGRESS", "1 in progress", "2 queued", "1 failed", "flash full", "25%"):
        assert words in text.stdout
    fields = json.loads(reported.stdout)
    assert counts(fields, "QUEUED", "IN_PROGRESS", "FAILED", "SUCCEEDED") == (2, 1, 1, 0)
    assert fields["source"] == "polling"
    assert fields["failures"] == [
        {"status": "FAILED", "reason": "flash full", "count": 1, "examples": [things.names[1]]}
    ]


def test_json_alone_is_one_object_and_follow_an_object_a_line(monitor, things, job):
    with monitor("--job-id", job, "--output", "json") as single:
        assert single.end() == 0
        assert counts(single.objects[0], "QUEUED") == (4,)
        assert len(single.lines) == 1

    with monitor("--job-id", job, "--output", "json", "--follow") as followed:
        followed.wait_for(lambda run: run.lines, "a first line")
        things.report(job, "SUCCEEDED", *things.names[:2])
        followed.wait_for(lambda run: run.objects[-1]["counts"]["SUCCEEDED"] == 2, "two succeeded")
        things.report(job, "SUCCEEDED", *things.names[2:])
        # A job that is over has nothing more to show: the command ends by itself.
        assert followed.end() == 0
    assert len(followed.lines) >= 3
    last = followed.objects[-1]
    assert (last["status"], counts(last, "SUCCEEDED")) == ("COMPLETED", (4,))
    assert {line["jobId"] for line in followed.objects} == {job}


def succeed(things, job, _clients=None):
    things.report(job, "SUCCEEDED", downloadTime="2.5")


def fail(things, job, _clients):
    things.report(job, "FAILED", things.names[0], reason="flash full")
    things.report(job, "SUCCEEDED", *things.names[1:])


def abort(things, job, _clients):
    things.report(job, "FAILED", *things.names[:2], reason="flash full")


def cancel(_things, job, clients):
    clients.iot.cancel_job(jobId=job, comment="enough of this", force=True)


def delete(_things, job, clients):
    clients.iot.delete_job(jobId=job, force=True)


ABORT_AT_HALF = {
    "criteriaList": [
        {
            "failureType": "FAILED",
            "action": "CANCEL",
            "thresholdPercentage": 50.0,
            "minNumberOfExecutedThings": 2,
        }
    ]
}


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (succeed, 0, ""),
        (fail, 1, "1 thing did not succeed"),
        (abort, 4, "was aborted by its own criteria"),
        (cancel, 5, "was cancelled by somebody else: enough of this"),
        (delete, 6, "was deleted by somebody else"),
    ],
)
def test_until_done_ends_with_the_job_and_the_exit_code_of_deploy(
    monitor, clients, things, unique, act, code, words
):
    policy = {"abortConfig": ABORT_AT_HALF} if act is abort else {}
    job = things.job(f"end-{unique}", **policy)
    with (
        monitor("--job-id", job, "--until", "done") as run,
        monitor("--job-id", job, "--output", "json", "--follow") as other,
    ):
        run.wait_for(lambda it: "4 queued" in it.said, "the first look was told")
        other.wait_for(lambda it: it.lines, "a first line")
        act(things, job, clients)
        assert run.end() == code, run.said
        # Who only watches has not failed, however the job ended.
        assert other.end() == 0, other.said
    assert words in run.said
    assert "Traceback" not in run.said + other.said
    # The last word on standard output is the whole picture.
    assert run.lines[0].startswith(job)
    assert other.objects[-1]["exists"] is (act is not delete)


def test_until_done_in_words_tells_each_change_and_as_json_one_object(monitor, things, job):
    with (
        monitor("--job-id", job, "--until", "done") as words,
        monitor("--job-id", job, "--until", "done", "--output", "json") as single,
    ):
        words.wait_for(lambda it: "4 queued" in it.said, "the first look was told")
        things.report(job, "FAILED", things.names[0], reason="flash full")
        words.wait_for(lambda it: "1 of 4 finished: 3 queued, 1 failed" in it.said, "a failure")
        things.report(job, "SUCCEEDED", *things.names[1:])
        assert (words.end(), single.end()) == (1, 1)

    assert f"error: job {job}: 1 thing did not succeed" in words.said
    text = "".join(words.lines)
    assert "COMPLETED" in text
    assert "flash full" in text
    assert [counts(one, "SUCCEEDED", "FAILED") for one in single.objects] == [(3, 1)]


@pytest.mark.parametrize("extra", [("--once",), ("--until", "done"), ("--output", "json")])
def test_a_wrong_job_id_is_a_mistake_that_names_the_place(cloud, unique, extra):
    run = otactl("monitor", "--job-id", f"none-{unique}", *extra, cloud=cloud)

    assert run.returncode == 2
    location = f"us-east-1 at {cloud.address.endpoint_url}"
    assert f"there is no job none-{unique} in {location}" in run.stderr
    assert "--wait" in run.stderr


def test_a_job_that_is_not_there_yet_can_be_waited_for(monitor, things, unique):
    with monitor("--job-id", f"late-{unique}", "--wait", "--until", "done") as run:
        run.wait_for(lambda it: "no such job" in it.said, "its absence was told")
        job = things.job(f"late-{unique}")
        succeed(things, job)
        assert run.end() == 0, run.said
    assert "4 succeeded" in run.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--job-id", "no such id"), "is no job id"),
        (("--job-id", "j", "--once", "--until", "done"), "--once polls once"),
        (("--job-id", "j", "--follow"), "--output json"),
        (("--job-id", "j", "--thing", "not a name"), "is no thing name"),
        (("--job-id", "j", *("--thing", "t") * 21), "20 at most"),
        (("missing.ini",), "missing.ini"),
        ((), "no deployment is under way"),
    ],
)
def test_what_contradicts_itself_is_refused(cloud, tmp_path, arguments, words):
    run = otactl("monitor", *arguments, "--state-dir", str(tmp_path), cloud=cloud)

    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_several_jobs_are_watched_at_once_and_the_first_failure_counts(monitor, things, unique):
    good, bad = (things.job(f"{name}-{unique}", things.names[:2]) for name in ("good", "bad"))
    ids = ("--job-id", good, "--job-id", bad, "--until", "done", "--output", "json")
    with monitor(*ids) as both, monitor(*ids, "--follow") as lines:
        lines.wait_for(lambda it: {one["jobId"] for one in it.objects} == {good, bad}, "both")
        things.report(good, "SUCCEEDED", *things.names[:2])
        lines.wait_for(
            lambda it: any(one["status"] == "COMPLETED" for one in it.objects), "one is over"
        )
        things.report(bad, "REJECTED", *things.names[:2], reason="older than what runs")
        assert lines.end() == 1
        assert both.end() == 1

    (reported,) = both.objects
    assert {one["jobId"]: one["status"] for one in reported["jobs"]} == {
        good: "COMPLETED",
        bad: "COMPLETED",
    }
    assert f"job {bad}: 2 things did not succeed" in both.said


def test_events_are_switched_on_when_the_user_agrees_and_then_nobody_asks(
    start_cloud, tmp_path, unique
):
    cloud = start_cloud()
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    switched = clients.iot.describe_event_configurations
    assert not switched()["eventConfigurations"]["JOB_EXECUTION"]["Enabled"]
    with scripted_things(clients, [f"told-{unique}-{number}" for number in range(4)]) as things:
        job = things.job(f"events-{unique}")
        arguments = ("monitor", "--job-id", job, "--events", "--output", "json", "--follow")
        common = ("--poll", "0.3", "--state-dir", str(tmp_path))
        # Nobody is there to be asked: it polls, and says why.
        with RunningProgram(*arguments, *common, env=environment(cloud)) as unasked:
            unasked.wait_for(lambda it: "--yes switches them on" in it.said, "it was told")
            unasked.wait_for(lambda it: it.lines, "a first line")
            assert unasked.objects[-1]["source"] == "polling"
        assert not switched()["eventConfigurations"]["JOB_EXECUTION"]["Enabled"]

        with RunningProgram(*arguments, "--yes", *common, env=environment(cloud)) as run:
            run.wait_for(lambda it: it.lines and it.objects[-1]["source"] == "events", "events")
            assert all(switched()["eventConfigurations"][kind]["Enabled"] for kind in NEEDED_EVENTS)
            asked = run.objects[-1]["polledAt"]
            for name in things.names:
                things.report(job, "SUCCEEDED", name, downloadTime="2.5")
            assert run.end() == 0, run.said
    last = run.objects[-1]
    assert counts(last, "SUCCEEDED") == (4,)
    assert last["downloadSeconds"]["count"] == 4
    # Nothing was asked after the start: whatever it knows it was told.
    assert {one["polledAt"] for one in run.objects if one["source"] == "events"} == {asked}


def test_ctrl_c_ends_it_and_the_job_goes_on(monitor, clients, job):
    with monitor("--job-id", job, "--until", "done") as run:
        run.wait_for(lambda it: "queued" in it.said, "the first look was told")
        run.send(signal.SIGINT)
        assert run.end(10) == 130
    assert "interrupted" in run.said
    assert "Traceback" not in run.said
    assert clients.iot.describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"
