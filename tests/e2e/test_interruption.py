"""Stopping ``otactl`` does not stop a rollout, unless a person says so."""

from __future__ import annotations

import signal

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl
from tests.e2e.running_program import RunningProgram
from tests.support.terminal import Terminal

GOES_ON = "The rollout continues in AWS. `otactl resume"
#: What was said of a rollout that goes on, and was not so.
UNTRUE = ("undoing", "skipped", "left behind", "Traceback")


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    name = f"stopped-{unique}"
    clients.iot.create_thing(thingName=name)
    return Deployable(
        folder=tmp_path,
        thing_names=[name],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"stopped-{unique}",
    )


def arguments(deployable, *more):
    state = str(deployable.folder / "state")
    return (
        *("deploy", str(deployable.path), "--yes", "--poll", "0.3"),
        *("--state-dir", state, *more),
    )


def status_of(clients, deployable):
    return clients.iot.describe_job(jobId=deployable.job_id)["job"]["status"]


@pytest.mark.parametrize(
    ("number", "clean_up"),
    [
        (signal.SIGTERM, True),
        pytest.param(signal.SIGTERM, False, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, False, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, False, marks=pytest.mark.slow),
    ],
)
def test_a_signal_without_a_terminal_keeps_the_job_and_resume_ends_it(
    cloud, clients, deployable, number, clean_up
):
    deployable.write(cleanUpCfg=clean_up)

    with RunningProgram(*arguments(deployable), env=environment(cloud)) as program:
        program.wait_for(lambda it: "1 queued" in it.said, "queued")
        program.send(number)
        code = program.end()

    assert code == 128 + number
    assert GOES_ON in program.said
    assert f"`otactl cancel {deployable.job_id}` stops it" in " ".join(program.said.split())
    written = program.said + "\n".join(program.lines)
    assert not [words for words in UNTRUE if words in written]
    assert status_of(clients, deployable) == "IN_PROGRESS"

    with DeviceLoop(clients, deployable.thing_names):
        where = ("--state-dir", str(deployable.folder / "state"), "--poll", "0.3")
        resumed = otactl("resume", *where, cloud=cloud)

    assert resumed.returncode == 0, resumed.stderr
    assert ("kept: job/" in resumed.stdout) is not clean_up


@pytest.mark.parametrize("answer", ["delete", ""])
def test_ctrl_c_on_a_terminal_asks_whether_to_keep_or_delete(cloud, clients, deployable, answer):
    deployable.write()

    with Terminal(*arguments(deployable), env=environment(cloud), size=(110, 40)) as terminal:
        terminal.wait_for("1 queued")
        terminal.press("\x03")
        terminal.wait_for("keep or delete? [keep]")
        terminal.press(answer, "\r")
        code = terminal.end()

    assert code == 130
    if answer:
        assert f"deleted job/{deployable.job_id}" in terminal.text
        assert GOES_ON not in terminal.text
        with pytest.raises(clients.iot.exceptions.ResourceNotFoundException):
            status_of(clients, deployable)
    else:
        assert GOES_ON in terminal.text
        assert status_of(clients, deployable) == "IN_PROGRESS"


def test_clean_wants_the_id_of_a_job_that_has_not_ended(cloud, clients, deployable):
    deployable.write(cleanUpCfg=False)
    otactl(*arguments(deployable, "--max-wait", "1"), cloud=cloud)
    state = ("--state-dir", str(deployable.folder / "state"))
    clean = ("clean", deployable.job_id, *state)

    answers = (("no", "nothing deleted", 1), (deployable.job_id, "deleted job/", 0))
    for typed, said, code in answers:
        assert status_of(clients, deployable) == "IN_PROGRESS"
        with Terminal(*clean, env=environment(cloud), size=(110, 40)) as terminal:
            terminal.wait_for("Type the job's id to delete it")
            terminal.press(typed, "\r")
            assert terminal.end() == code
        assert said in terminal.text

    with pytest.raises(clients.iot.exceptions.ResourceNotFoundException):
        status_of(clients, deployable)


@pytest.mark.slow
def test_a_terminal_that_closes_keeps_the_job(cloud, clients, deployable):
    deployable.write()

    with Terminal(*arguments(deployable), env=environment(cloud), size=(110, 40)) as terminal:
        terminal.wait_for("1 queued")
        terminal.hang_up()
        assert terminal.exit_code() == 128 + signal.SIGHUP

    assert status_of(clients, deployable) == "IN_PROGRESS"
    shown = otactl("history", "--state-dir", str(deployable.folder / "state"), cloud=cloud)
    assert "it has not ended; its last process stopped: interrupted" in " ".join(
        shown.stdout.split()
    )
