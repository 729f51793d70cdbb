"""``otactl deploy`` asks on a terminal, and nowhere else."""

from __future__ import annotations

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment, otactl
from tests.support.terminal import Terminal

LEADING = ("targets ", "rate ", "abort ", "timeout ", "cost ")


@pytest.fixture
def deployable(clients, firmware_bucket, stream_role_arn, tmp_path, unique):
    name = f"asked-{unique}"
    clients.iot.create_thing(thingName=name)
    return Deployable(
        folder=tmp_path,
        thing_names=[name],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"asked-{unique}",
    )


def arguments(deployable, *more):
    state = ("--state-dir", str(deployable.folder / "state"))
    return ("deploy", str(deployable.path), "--poll", "0.3", *state, *more)


def job_ids(clients):
    return [job["jobId"] for job in clients.iot.list_jobs()["jobs"]]


def test_a_terminal_is_asked_and_told_what_for(cloud, clients, deployable):
    deployable.write()

    with Terminal(*arguments(deployable), env=environment(cloud), size=(160, 50)) as terminal:
        terminal.wait_for("Deploy this? [y/N]:")
        shown = [line.strip() for line in terminal.lines]
        terminal.press("\r")
        code = terminal.end()

    assert code == 1
    assert "nothing deployed" in terminal.text
    assert deployable.job_id not in job_ids(clients)
    first = next(location for location, line in enumerate(shown) if line.startswith(LEADING[0]))
    assert all(
        line.startswith(name) for line, name in zip(shown[first : first + 5], LEADING, strict=True)
    )

    with (
        DeviceLoop(clients, deployable.thing_names),
        Terminal(*arguments(deployable), env=environment(cloud), size=(160, 50)) as terminal,
    ):
        terminal.wait_for("Deploy this? [y/N]:")
        terminal.press("y", "\r")
        assert terminal.end() == 0


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--yes", "--no-ask"])
def test_a_script_on_a_terminal_is_not_asked(cloud, clients, deployable, option):
    deployable.write()

    with (
        DeviceLoop(clients, deployable.thing_names),
        Terminal(*arguments(deployable, option), env=environment(cloud)) as terminal,
    ):
        assert terminal.end() == 0
    assert "Deploy this?" not in terminal.raw


def test_without_a_terminal_there_is_no_question(cloud, clients, deployable):
    deployable.write()

    with DeviceLoop(clients, deployable.thing_names):
        ended = otactl(*arguments(deployable), cloud=cloud)

    assert ended.returncode == 0, ended.stderr
    assert "Deploy this?" not in ended.stdout + ended.stderr
