"""Who an image is for, as the program decides it, with the printed policy and no more."""

from __future__ import annotations

import json

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl, run_program
from tests.e2e.test_least_privilege import for_ministack, make_user

from otactl.operations.frontend import Frontend
from otactl.operations.rehearsal.rehearse import RehearsalOptions, rehearse

SECTIONS = """
[ELIGIBILITY_CONFIG]
fromVersions = 1.0..1.9
hardware = attributes.board: rev-b

[VERIFY_CONFIG]
expectedVersion = 2.0
"""
LEFT_OUT = [
    ("current", "has the version already", "2.0"),
    ("new-board", "other hardware", "1.0"),
    ("old", "not one of fromVersions", "0.9"),
    ("silent", "unknown version", None),
]


def test_what_is_left_out_is_in_plan_report_and_json_and_gets_no_job(
    cloud, clients, firmware_bucket, stream_role_arn, tmp_path, unique
):
    versions = {"good": "1.5", "current": "2.0", "new-board": "1.0", "old": "0.9", "silent": None}
    names = [f"{name}-{unique}" for name in versions]
    for name, version in zip(names, versions.values(), strict=True):
        board = "rev-c" if name.startswith("new") else "rev-b"
        clients.iot.create_thing(thingName=name, attributePayload={"attributes": {"board": board}})
        if version:
            payload = {"state": {"reported": {"version": version}}}
            clients.iot_data.update_thing_shadow(thingName=name, payload=json.dumps(payload))
    deployable = Deployable(
        folder=tmp_path,
        thing_names=names,
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"eligible-{unique}",
        sections=SECTIONS,
    )
    deployable.write(useEligibilityConfig=True)
    policy = for_ministack(json.loads(otactl("iam", str(deployable.path)).stdout)["user"])
    env = environment(cloud) | make_user(clients, f"chooser-{unique}", policy)
    state = ("--state-dir", str(tmp_path / "state"))

    planned = run_program("plan", str(deployable.path), "--output", "json", env=env)
    shown = run_program("plan", str(deployable.path), env=env)
    with DeviceLoop(clients, names) as devices:
        deployed = run_program(
            "deploy", str(deployable.path), "--yes", "--poll", "0.3", *state, env=env
        )
    reported = run_program("report", deployable.job_id, "--output", "json", *state, env=env)

    for run in (planned, shown, deployed, reported):
        assert run.returncode == 0, run.stderr
    plan = json.loads(planned.stdout)
    found = [(one["thing"], one["reason"], one["version"]) for one in plan["leftOut"]]
    assert found == [(f"{name}-{unique}", why, version) for name, why, version in LEFT_OUT]
    assert plan["things"] == 1
    assert plan["apiCalls"]["iotdata:GetThingShadow"] == 5
    assert plan["apiCalls"]["iot:DescribeThing"] == 5
    assert "left out 4 things" in shown.stdout
    assert f"old-{unique}: not one of fromVersions (version 0.9)" in shown.stdout
    assert "5 iotdata:GetThingShadow, 5 iot:DescribeThing" in shown.stderr
    assert devices.answered == [f"good-{unique}"]
    assert json.loads(reported.stdout)["leftOut"] == plan["leftOut"]


class Notes(Frontend):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.slow
@pytest.mark.parametrize("lag_seconds", [0, 60])
def test_a_rehearsal_has_things_that_the_file_is_for_and_waves_of_those(tmp_path, lag_seconds):
    rehearsed = Deployable(
        folder=tmp_path,
        thing_names=[],
        bucket="rehearsed-bucket",
        role_arn="arn:aws:iam::123456789012:role/rehearsed",
        job_id="rehearsed",
        sections=SECTIONS
        + "[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
        + "[WAVE_CONFIG]\nwaveList = canary:10%\nsoakMinutes = 0\n",
    )
    rehearsed.write(useEligibilityConfig=True, useWaveConfig=True, useTimeoutConfig=True)
    options = RehearsalOptions(
        things=20,
        former_versions="1.5=50,2.0=30,3.0=20",
        index_lag_seconds=lag_seconds,
        state_dir=tmp_path / "state",
    )
    heard = Notes()

    report = rehearse(rehearsed.path, options, heard)

    assert report.failure is None
    assert "left out 10 things: 6 has the version already, 4 not one of fromVersions" in heard.notes
    assert [(wave.name, wave.things) for wave in report.result.waves] == [
        ("canary", 1),
        ("rest", 9),
    ]
    reading = next(note for note in heard.notes if note.startswith("reading"))
    # An index that is late has none of them yet.
    assert ("20 iotdata:GetThingShadow" in reading) is bool(lag_seconds)
    assert ("1 iot:SearchIndex" in reading) is not bool(lag_seconds)
