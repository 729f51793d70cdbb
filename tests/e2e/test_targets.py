"""More things than a job may name: one job, a group of the deployment's own, gone afterwards."""

from __future__ import annotations

import json

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import otactl

from otactl.aws.prerequisites import make_bucket


@pytest.fixture
def deployable(tmp_path, unique):
    return Deployable(
        folder=tmp_path,
        thing_names=["one"],
        bucket=f"targets-{unique}",
        role_arn="arn:aws:iam::123456789012:role/stream",
        job_id=f"targets-{unique}",
        image_bytes=10_000,
    )


@pytest.mark.parametrize("things", [120, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_long_list_is_one_job_and_a_group_that_goes(deployable, things):
    names = [f"t{number:04}" for number in range(things)]
    deployable.thing_names = names
    deployable.write()
    state_dir = str(deployable.folder / "state")

    run = otactl("rehearse", str(deployable.path), "--state-dir", state_dir, "--output", "json")

    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["succeeded"] == things
    assert result["apiCalls"]["iot:CreateJob"] == 1
    assert result["apiCalls"]["iot:AddThingToThingGroup"] == things
    assert result["apiCalls"]["iot:DeleteThingGroup"] == 1
    assert result["leftovers"] == []


def test_things_groups_comments_and_duplicates_mix(deployable):
    deployable.write()
    base = "arn:aws:iot:us-east-1:123456789012"
    (deployable.folder / "things.txt").write_text(
        f"# the pilot\n\n{base}:thing/a\n{base}:thinggroup/g\n{base}:thing/a\n{base}:thing/b\n"
    )

    run = otactl(
        "rehearse",
        str(deployable.path),
        "--things-per-group",
        "2",
        "--state-dir",
        str(deployable.folder / "state"),
        "--output",
        "json",
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["things"] == 4
    assert "things.txt:5" in run.stderr


def test_a_hundred_thousand_lines_are_planned(cloud, clients, deployable):
    make_bucket(clients, deployable.bucket, "us-east-1")
    deployable.thing_names = [f"t{number:06}" for number in range(100_000)]
    deployable.write()

    run = otactl("plan", str(deployable.path), "--output", "json", cloud=cloud)

    assert run.returncode == 0, run.stderr
    plan = json.loads(run.stdout)
    assert plan["things"] == 100_000
    assert plan["apiCalls"]["iot:AddThingToThingGroup"] == 100_000
    assert plan["apiCalls"]["iot:CreateJob"] == 1
