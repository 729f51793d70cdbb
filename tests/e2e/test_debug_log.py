"""``debug = True`` writes what happened into a file, and a resumed deployment keeps its pace."""

from __future__ import annotations

import signal
import stat
from datetime import datetime
from itertools import pairwise

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl
from tests.e2e.running_program import RunningProgram


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    name = f"log-{unique}"
    clients.iot.create_thing(thingName=name)
    return Deployable(
        folder=tmp_path,
        thing_names=[name],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"log-{unique}",
        default={"debug": True},
    )


def run(command, *arguments, deployable, cloud):
    state = str(deployable.folder / "state")
    return otactl(command, *arguments, "--poll", "0.3", "--state-dir", state, cloud=cloud)


def the_log(deployable):
    (log,) = (deployable.folder / "state" / "logs").iterdir()
    return log


def test_the_log_tells_steps_looks_and_calls_to_its_owner_alone(cloud, clients, deployable):
    deployable.write()

    with DeviceLoop(clients, deployable.thing_names):
        ended = run("deploy", str(deployable.path), deployable=deployable, cloud=cloud)

    assert ended.returncode == 0, ended.stderr
    log = the_log(deployable)
    assert f"log: {log}" in ended.stderr
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    said = log.read_text()
    assert "BEGUN image: upload" in said
    assert "call iot:CreateJob 200\n" in said
    assert "call iot:DescribeJob 404 ResourceNotFoundException\n" in said
    assert "round 1 job COMPLETED SUCCEEDED=1\n" in said
    assert "UNDONE stream: " in said


def test_without_debug_there_is_none(cloud, clients, deployable):
    deployable.write(debug=False)

    with DeviceLoop(clients, deployable.thing_names):
        ended = run("deploy", str(deployable.path), deployable=deployable, cloud=cloud)

    assert ended.returncode == 0, ended.stderr
    assert not (deployable.folder / "state" / "logs").exists()


def test_a_log_that_cannot_be_written_stops_nothing(cloud, clients, deployable):
    deployable.write()
    (deployable.folder / "state").mkdir()
    (deployable.folder / "state" / "logs").write_text("a file where the folder should be")

    with DeviceLoop(clients, deployable.thing_names):
        ended = run("deploy", str(deployable.path), deployable=deployable, cloud=cloud)

    assert ended.returncode == 0, ended.stderr
    assert "cannot write the log" in ended.stderr


def test_resume_goes_on_in_the_same_log_at_the_pace_of_the_file(cloud, clients, deployable):
    """iotApiSleepTime protects the account's API rate, whichever process makes the calls."""
    deployable.write(cleanUpCfg=False, iotApiSleepTime=600)
    begin = ("deploy", str(deployable.path), "--poll", "0.3")
    state = ("--state-dir", str(deployable.folder / "state"))
    with RunningProgram(*begin, *state, env=environment(cloud)) as program:
        program.wait_for(lambda seen: "create job" in seen.said, "the job was created")
        program.send(signal.SIGKILL)
        program.end()
    before = the_log(deployable).read_text()

    with DeviceLoop(clients, deployable.thing_names):
        ended = run("resume", deployable=deployable, cloud=cloud)

    assert ended.returncode == 0, ended.stderr
    log = the_log(deployable).read_text()
    assert log.startswith(before)
    calls = [
        datetime.fromisoformat(line.split()[0])
        for line in log.removeprefix(before).splitlines()
        if " call iot:" in line
    ]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(calls)]
    assert len(gaps) >= 2
    assert min(gaps) > 0.4
