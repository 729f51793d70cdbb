"""``otactl report``, also long after everything was cleaned up; and the line that names it."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl, run_program
from tests.e2e.running_program import RunningProgram
from tests.support.fleet_stage import stage
from tests.support.scripted_things import scripted_things

from otactl.device.behaviour import Behaviour


@pytest.fixture(scope="module")
def deployed(cloud, clients, tmp_path_factory, firmware_bucket, stream_role_arn):
    """A deployment to three real devices, one of which fails; its job is gone."""
    folder = tmp_path_factory.mktemp("deployed")
    names = [f"reported-{number}" for number in range(3)]
    deployable = Deployable(
        folder=folder,
        thing_names=names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id="job-reported",
        image_bytes=30_000,
    )
    path = deployable.write()
    with (
        stage(
            cloud,
            clients,
            folder / "fleet",
            things=names,
            group="group-reported",
            bucket=firmware_bucket,
            role_arn=stream_role_arn,
        ) as made,
        made.fleet(behaviours={names[1]: Behaviour.FAIL}),
    ):
        run = otactl(
            *("deploy", str(path), "--poll", "0.3", "--state-dir", str(folder / "state")),
            cloud=cloud,
        )
    assert run.returncode == 1, run.stderr
    return folder, run


def nowhere(folder):
    """A shell without any way to AWS."""
    return environment(None) | {
        "OTACTL_STATE_DIR": str(folder / "state"),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_the_last_line_of_a_deployment_names_its_report_also_when_it_failed(deployed):
    folder, run = deployed
    *_, error, last = run.stderr.splitlines()

    assert error.startswith("error: round 1: 1 of 3 things did not succeed")
    path = last.removeprefix("report: ")
    assert path.startswith(str(folder / "state" / "reports"))
    page = Path(path).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    for words in ("job-reported", "reported-1", "simulated failure while installing"):
        assert words in page


def test_the_last_line_of_a_rehearsal_names_its_report(tmp_path, unique):
    deployable = Deployable(
        folder=tmp_path,
        thing_names=["t0", "t1"],
        bucket=f"reported-{unique}",
        role_arn="arn:aws:iam::123456789012:role/ota-stream",
        job_id=f"rehearsed-{unique}",
    )
    path = deployable.write()
    run = otactl("rehearse", str(path), "--state-dir", str(tmp_path / "state"), "--output", "json")

    assert run.returncode == 0, run.stderr
    report = run.stderr.splitlines()[-1].removeprefix("report: ")
    assert "2 succeeded" in Path(report).read_text(encoding="utf-8")
    # Also in another process, when the rehearsal's cloud is long gone.
    again = run_program("report", f"rehearsed-{unique}", "--format", "csv", env=nowhere(tmp_path))
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("SUCCEEDED") == 2


def test_a_report_is_made_from_the_journal_alone(deployed, tmp_path):
    folder, _ = deployed
    page = tmp_path / "out" / "report.html"
    run = run_program("report", "job-reported", "--out", str(page), env=nowhere(folder))

    assert run.returncode == 0, run.stderr
    assert run.stderr.splitlines()[-1] == f"report: {page}"
    text = page.read_text(encoding="utf-8")
    for words in ("job-reported", "2 succeeded", "1 failed", "reported-1", "<svg"):
        assert words in text
    for loaded in ("http://", "https://", "<script", "<link", "<img"):
        assert loaded not in text.replace("http://www.w3.org/2000/svg", "")
    # What devices report is nobody else's business on a shared machine.
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_csv_and_json_hold_every_execution(deployed, tmp_path):
    folder, _ = deployed
    reported = run_program("report", "job-reported", "--format", "csv", env=nowhere(folder))
    rows = {row["thing"]: row for row in csv.DictReader(io.StringIO(reported.stdout))}
    assert {name: row["status"] for name, row in rows.items()} == {
        "reported-0": "SUCCEEDED",
        "reported-1": "FAILED",
        "reported-2": "SUCCEEDED",
    }
    assert rows["reported-1"]["reason"] == "simulated failure while installing"
    assert float(rows["reported-0"]["downloadTime"]) >= 0

    # By the ending of the file's name, into the file.
    for name in ("all.json", "all.csv"):
        path = tmp_path / name
        run = run_program("report", "job-reported", "--out", str(path), env=nowhere(folder))
        assert run.returncode == 0, run.stderr
        assert run.stdout == ""
    assert (tmp_path / "all.csv").read_text() == reported.stdout.replace("\r\n", "\n")
    fields = json.loads((tmp_path / "all.json").read_text())
    assert fields["jobId"] == "job-reported"
    assert [one["status"] for one in fields["rounds"]] == ["COMPLETED"]
    assert sorted(one["thing"] for one in fields["executions"]) == sorted(rows)


def test_a_deployment_that_goes_on_is_reported_as_far_as_it_is(
    cloud, clients, tmp_path, unique, firmware_bucket, stream_role_arn
):
    with scripted_things(clients, [f"half-{unique}-{number}" for number in range(3)]) as things:
        deployable = Deployable(
            folder=tmp_path,
            thing_names=list(things.names),
            bucket=firmware_bucket,
            role_arn=stream_role_arn,
            job_id=f"half-{unique}",
        )
        path = deployable.write()
        state = ("--state-dir", str(tmp_path / "state"))
        with RunningProgram(
            *("deploy", str(path), "--poll", "0.3", *state), env=environment(cloud)
        ) as deploy:
            deploy.wait_for(lambda it: "3 queued" in it.said, "the job is there")
            things.report(deployable.job_id, "FAILED", things.names[0], reason="flash full")
            deploy.wait_for(lambda it: "1 failed" in it.said, "a failure")
            run = otactl("report", deployable.job_id, "--format", "json", *state, cloud=cloud)
            assert run.returncode == 0, run.stderr
            half = json.loads(run.stdout)
            assert half["running"]
            statuses = {one["thing"]: one["status"] for one in half["executions"]}
            assert statuses[things.names[0]] == "FAILED"
            assert sorted(statuses.values()) == ["FAILED", "QUEUED", "QUEUED"]
            reasons = [one["statusDetails"].get("reason") for one in half["executions"]]
            assert "flash full" in reasons
            things.report(deployable.job_id, "SUCCEEDED", *things.names[1:])
            assert deploy.end() == 1


def test_a_job_that_was_not_deployed_from_here_is_asked_of_the_service(
    cloud, clients, tmp_path, unique
):
    with scripted_things(clients, [f"other-{unique}-{number}" for number in range(3)]) as things:
        job = things.job(f"other-{unique}")
        things.report(job, "SUCCEEDED", *things.names[:2], downloadTime="2.5")
        things.report(job, "REJECTED", things.names[2], reason="older than what runs")
        run = otactl(
            *("report", job, "--out", str(tmp_path / "r.html"), "--state-dir", str(tmp_path)),
            cloud=cloud,
        )
    assert run.returncode == 0, run.stderr
    text = (tmp_path / "r.html").read_text()
    for words in ("2 succeeded", "1 rejected", "older than what runs"):
        assert words in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing-of-this-name",), "there is no job nothing-of-this-name"),
        (("job-reported", "--out", "/proc/nowhere/report.html"), "cannot write the report"),
        (("not an id",), "not an id"),
    ],
)
def test_what_cannot_be_reported_is_a_mistake_in_a_sentence(deployed, cloud, arguments, words):
    folder, _ = deployed
    run = otactl("report", *arguments, "--state-dir", str(folder / "state"), cloud=cloud)

    assert run.returncode == 2, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
