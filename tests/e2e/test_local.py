"""``otactl local`` as a user runs it: up, env, status, down."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.warm_program import WarmProgram, run_warm

if TYPE_CHECKING:
    from collections.abc import Iterator


#: The virtual environment's programs, whether or not it is activated.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def otactl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_warm(arguments, env=os.environ, cwd=None, timeout=60)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[str]:
    """A state directory with a blank in its name; whatever runs there is stopped at the end."""
    state_dir = tmp_path / "my state"
    yield str(state_dir)
    otactl("local", "down", "--state-dir", str(state_dir))


def status(state: str) -> dict:
    return json.loads(otactl("local", "status", "--state-dir", state, "--output", "json").stdout)


def test_detached_it_outlives_its_command_until_down(state: str) -> None:
    up = otactl("local", "up", "--detach", "--state-dir", state)

    assert up.returncode == 0, up.stderr
    reported = status(state)
    assert reported["running"]
    for part in (
        reported["endpointUrl"],
        str(reported["mqttPort"]),
        reported["caFile"],
        reported["logFile"],
    ):
        assert part in up.stdout
    assert "otactl local down" in up.stdout

    assert otactl("local", "down", "--state-dir", state).returncode == 0
    assert not status(state)["running"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((reported["mqttHost"], reported["mqttPort"]))


def test_env_points_the_aws_cli_of_a_shell_at_it(state: str) -> None:
    otactl("local", "up", "--detach", "--state-dir", state, "--account-id", "210987654321")

    env = otactl("local", "env", "--state-dir", state).stdout
    caller = subprocess.run(
        ["sh", "-c", f'{env}\ntest -f "$OTACTL_MQTT_CA_FILE" && aws sts get-caller-identity'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # What a real account left in the shell must not matter.
        env=os.environ | {"AWS_SESSION_TOKEN": "left over", "PATH": PATH},
    )

    assert json.loads(caller.stdout)["Account"] == "210987654321", caller.stderr
    as_json = json.loads(otactl("local", "env", "--state-dir", state, "-o", "json").stdout)
    assert as_json["AWS_ENDPOINT_URL"] in env
    assert Path(as_json["caFile"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert isinstance(as_json["mqttPort"], int)


def test_up_twice_says_that_it_runs_already(state: str) -> None:
    otactl("local", "up", "--detach", "--state-dir", state)

    second = otactl("local", "up", "--detach", "--state-dir", state)

    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert second.stdout == ""


def test_two_state_directories_hold_two_clouds(state: str) -> None:
    other = f"{state} 2"
    otactl("local", "up", "--detach", "--state-dir", state)
    try:
        up = otactl("local", "up", "--detach", "--state-dir", other, "--output", "json")
        assert up.returncode == 0
        assert status(state)["endpointUrl"] != status(other)["endpointUrl"]
    finally:
        otactl("local", "down", "--state-dir", other)
    assert status(state)["running"]


def test_a_file_left_by_a_killed_cloud_counts_as_none(state: str) -> None:
    otactl("local", "up", "--detach", "--state-dir", state)
    pid = status(state)["pid"]
    os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while status(state)["running"]:
        assert time.monotonic() < deadline

    # The number in the file may belong to anybody by now: nothing may be done to it.
    record = Path(state) / "local" / "cloud.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"pid": os.getpid()}))

    assert "no local cloud runs" in otactl("local", "down", "--state-dir", state).stderr
    assert otactl("local", "env", "--state-dir", state).returncode == 2
    assert otactl("local", "up", "--detach", "--state-dir", state).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_a_signal_stops_it(state: str, number: signal.Signals) -> None:
    with WarmProgram(["local", "up", "--state-dir", state], env=os.environ) as up:
        assert up.stdout.readline() == "The local cloud is ready.\n"
        up.send_signal(number)
        assert up.wait(10) == 0

    assert not status(state)["running"]


def test_down_ends_the_foreground_command_too(state: str) -> None:
    with WarmProgram(["local", "up", "--state-dir", state], env=os.environ) as up:
        up.stdout.readline()
        otactl("local", "down", "--state-dir", state)
        assert up.wait(10) == 0
        assert "stopped" in up.stderr.read()


def test_a_taken_port_is_one_clear_sentence(state: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = otactl("local", "up", "--port", str(port), "--state-dir", state)

    assert up.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in up.stderr
    assert "Traceback" not in up.stderr
    assert not Path(state).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--account-id", "12"], "12 digits"),
        (["--region", "moon"], "not an AWS region"),
        (["--speed", "0"], "--speed 0"),
        (["--port", "70000"], "--port 70000"),
        (["--port", "4000", "--mqtt-port", "4000"], "both 4000"),
    ],
)
def test_a_mistake_is_named(state: str, arguments: list[str], message: str) -> None:
    up = otactl("local", "up", "--state-dir", state, *arguments)

    assert up.returncode == 2
    assert message in up.stderr
    assert not Path(state).exists()


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    up = otactl("local", "up", "--state-dir", str(tmp_path / "file"))

    assert up.returncode == 2
    assert f"{tmp_path / 'file' / 'local'} cannot be written" in up.stderr
