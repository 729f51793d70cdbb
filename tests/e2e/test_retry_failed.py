"""``otactl retry-failed``: once more, to exactly the things that did not get it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.conftest import ACCOUNT_ID, REGION, make_reader_role
from tests.e2e.deployable import Deployable
from tests.e2e.program import otactl
from tests.support.fleet_stage import stage

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.device.behaviour import Behaviour
from otactl.operations.state_directory import local_state_directory

NAMES = ("good-0", "fails", "refuses", "sleeps", "good-1")
BAD = {
    "fails": Behaviour.FAIL,
    "refuses": Behaviour.REJECT,
    "sleeps": Behaviour.SILENT,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a dev.ini, a fast cloud of its own, and the program on both."""
    folder = tmp_path_factory.mktemp("site")
    state_dir = folder / "state"
    settings = CloudSettings(
        account_id=ACCOUNT_ID,
        region=REGION,
        speed=20,
        state_dir=local_state_directory(state_dir),
    )
    with start_local_cloud(settings) as cloud:
        clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
        clients.s3.create_bucket(Bucket="retried")
        role_arn = make_reader_role(clients, "retried", "retried")
        deployable = Deployable(
            folder=folder,
            thing_names=list(NAMES),
            bucket="retried",
            role_arn=role_arn,
            job_id="first",
            image_bytes=20_000,
            sections="[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 1\n",
        )
        deployable.write(useTimeoutConfig=True, rounds=1)

        def run(*arguments):
            return otactl(*arguments, "--state-dir", str(state_dir), cloud=cloud)

        with stage(
            cloud,
            clients,
            folder / "fleet",
            things=NAMES,
            group="retried",
            bucket="retried",
            role_arn=role_arn,
        ) as made:
            with made.fleet(behaviours=BAD):
                first = run("deploy", str(deployable.path), "--poll", "10")
            assert first.returncode == 1, first.stderr
            yield made, run, deployable


def statuses(run, job_id):
    reported = run("report", job_id, "--format", "csv")
    assert reported.returncode == 0, reported.stderr
    return {row["thing"]: row["status"] for row in csv.DictReader(io.StringIO(reported.stdout))}


def test_the_first_deployment_left_three_behind(site):
    _, run, _ = site

    assert statuses(run, "first") == {
        "good-0": "SUCCEEDED",
        "good-1": "SUCCEEDED",
        "fails": "FAILED",
        "refuses": "REJECTED",
        "sleeps": "TIMED_OUT",
    }


def test_a_dry_run_shows_for_whom_and_changes_nothing(site):
    made, run, _ = site
    shown = run("retry-failed", "first", "--dry-run", "--output", "json")

    assert shown.returncode == 0, shown.stderr
    plan = json.loads(shown.stdout)
    assert plan["things"] == 3
    assert "first-retry" in shown.stdout
    assert made.clients.iot.list_jobs()["jobs"] == []


def test_nobody_agreed_so_nothing_is_deployed(site):
    made, run, _ = site
    asked = run("retry-failed", "first")

    assert asked.returncode == 2
    assert "pass --yes to confirm" in asked.stderr
    assert made.clients.iot.list_jobs()["jobs"] == []


def test_it_deploys_to_exactly_those_and_then_nothing_is_left_to_retry(site):
    made, run, _ = site
    with made.fleet():
        again = run("retry-failed", "first", "--yes", "--poll", "10", "--output", "json")

    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert (result["jobId"], result["things"]) == ("first-retry", 3)
    assert statuses(run, "first-retry") == dict.fromkeys(BAD, "SUCCEEDED")
    assert again.stderr.splitlines()[-1].startswith("report: ")

    nothing = run("retry-failed", "first-retry", "--yes")
    assert nothing.returncode == 2
    assert "there is nothing to retry" in nothing.stderr


def test_another_image_than_the_one_that_failed_is_pointed_out(site):
    made, run, deployable = site
    (deployable.folder / "image.bin").write_bytes(b"another image")
    with made.fleet():
        again = run("retry-failed", "first", "--job-id", "another", "--yes", "--poll", "10")

    assert again.returncode == 0, again.stderr
    assert "is another image than the one that failed" in again.stderr
    assert statuses(run, "another") == dict.fromkeys(BAD, "SUCCEEDED")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-job",), "there is no job no-such-job"),
        (("first", "--job-id", "not an id"), "is no job id"),
        (("first", "missing.ini"), "missing.ini"),
    ],
)
def test_what_cannot_be_retried_is_a_mistake_in_a_sentence(site, arguments, words):
    _, run, _ = site
    refused = run("retry-failed", *arguments, "--yes")

    assert refused.returncode == 2, refused.stderr
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
