"""``otactl history``: what was deployed from this machine, the newest first."""

from __future__ import annotations

import json

import pytest
from tests.conftest import make_reader_role
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, otactl, run_program
from tests.support.answering_devices import AnsweringDevices

NAMES = [f"historic-thing-{number:02}" for number in range(12)]


JOBS = ("went-well", "a-job-whose-name-is-long")


@pytest.fixture
def state_dir(cloud, clients, unique, tmp_path):
    """Where two deployments were written down: one that went well, and one that did not."""
    bucket = f"history-{unique}"
    clients.s3.create_bucket(Bucket=bucket)
    role_arn = make_reader_role(clients, bucket, bucket)
    things = [f"{unique}-{name}" for name in NAMES]
    for thing in things:
        clients.iot.create_thing(thingName=thing)
    with AnsweringDevices(
        clients, answer=lambda job_id, _: "SUCCEEDED" if JOBS[0] in job_id else "REJECTED"
    ):
        for job_id, expected in zip(JOBS, (0, 1), strict=True):
            path = Deployable(tmp_path, things, bucket, role_arn, f"{job_id}-{unique}").write()
            ended = otactl(
                *("deploy", str(path), "--poll", "0.2", "--state-dir", str(tmp_path / "state")),
                cloud=cloud,
            )
            assert ended.returncode == expected, ended.stderr
    return tmp_path / "state"


def test_the_newest_stands_first_and_a_long_failure_is_cut(state_dir, unique):
    where = ("history", "--state-dir", str(state_dir))
    reported = json.loads(otactl(*where, "--output", "json").stdout)["deployments"]

    assert [one["jobId"] for one in reported] == [f"{job_id}-{unique}" for job_id in reversed(JOBS)]
    failed, well = reported
    assert (well["state"], well["failure"], well["things"]) == ("FINISHED", None, 12)
    assert "12 of 12 things did not succeed" in failed["failure"]
    assert failed["failure"].count("REJECTED") > 3

    shown = run_program(*where, env=environment(None) | {"COLUMNS": "80"}).stdout
    lines = shown.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split() == [failed["deploymentId"], failed["jobId"]]
    assert lines[2].strip() == "dev.ini, 12 things, 1 of 1 round"
    assert lines[3].strip().startswith("round 1: 12 of 12 things did not succeed")
    assert shown.count("REJECTED") < 3
    assert [line.strip() for line in lines[-2:]] == [lines[2].strip(), "it succeeded"]


def test_a_machine_that_deployed_nothing_says_so(tmp_path):
    where = ("history", "--state-dir", str(tmp_path))

    assert "no deployments yet" in otactl(*where).stdout
    assert json.loads(otactl(*where, "--output", "json").stdout) == {
        "schemaVersion": 1,
        "deployments": [],
        "damaged": [],
    }


@pytest.mark.parametrize("command", ["resume", "clean"])
def test_what_is_no_deployment_is_told_where_to_look(tmp_path, command):
    ended = otactl(command, "nope", "--state-dir", str(tmp_path))

    assert ended.returncode == 2
    assert "no deployment 'nope'" in ended.stderr
    assert "otactl history" in ended.stderr
