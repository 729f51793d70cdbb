"""The process of the local cloud: ready when it says so, on loopback, gone when it should be."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import waiting

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import AlreadyRunning, CloudSettings, start_local_cloud
from otactl.errors import LocalResourceMissing

if TYPE_CHECKING:
    from tests.conftest import StartCloud

    from otactl.cloud import RunningCloud


wait_until = partial(waiting.wait_until, seconds=10)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie has ended; whoever is its parent now has yet to notice


def test_it_is_ready_when_start_returns(cloud: RunningCloud, clients: AwsClients) -> None:
    assert clients.sts.get_caller_identity()["Account"] == cloud.address.account_id

    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    broker = (cloud.address.mqtt_host, cloud.address.mqtt_port)
    with (
        socket.create_connection(broker) as plain,
        context.wrap_socket(plain, server_hostname=cloud.address.mqtt_host) as secured,
    ):
        assert secured.version() in {"TLSv1.2", "TLSv1.3"}


def test_a_taken_port_is_named_with_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalResourceMissing) as refused:
            start_local_cloud(CloudSettings(mqtt_port=port))

    assert f"port {port} on 127.0.0.1 cannot be used: Address already in use" in str(refused.value)
    assert f"process {os.getpid()} " in str(refused.value)
    assert "--mqtt-port" in str(refused.value.hint)


def test_a_state_directory_without_write_permission_is_named(tmp_path: Path) -> None:
    # A plain file in the way stops root too, whom permissions do not stop.
    (tmp_path / "file").write_text("")
    blocked = tmp_path / "file" / "state"

    with pytest.raises(LocalResourceMissing, match=f"{blocked} cannot be written"):
        start_local_cloud(CloudSettings(state_dir=blocked))


def test_two_clouds_run_side_by_side_but_not_with_one_state_directory(
    start_cloud: StartCloud, tmp_path: Path
) -> None:
    first = start_cloud(state_dir=tmp_path / "first")
    second = start_cloud(state_dir=tmp_path / "second")

    assert first.address.endpoint_url != second.address.endpoint_url
    with pytest.raises(AlreadyRunning, match=str(tmp_path / "first")):
        start_local_cloud(CloudSettings(state_dir=tmp_path / "first"))


def test_stop_leaves_no_process_no_port_and_no_temporary_directory(start_cloud: StartCloud) -> None:
    cloud = start_cloud()
    # A keep-alive connection and one in the middle of nothing must not delay the end.
    AwsClients(AwsSettings.for_local_cloud(cloud.address)).iot.list_things()
    with socket.create_connection((cloud.address.mqtt_host, cloud.address.mqtt_port)):
        started = time.monotonic()
        cloud.stop()
        assert time.monotonic() - started < 5

    assert not is_running(cloud.address.pid)
    assert not Path(cloud.address.state_dir).exists()
    for port in (cloud.address.mqtt_port, int(cloud.address.endpoint_url.rpartition(":")[2])):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    start_cloud: StartCloud, tmp_path: Path, number: signal.Signals
) -> None:
    cloud = start_cloud(state_dir=tmp_path / "state")

    os.kill(cloud.address.pid, number)

    assert cloud.wait(timeout=8)
    assert "Traceback" not in cloud.log_file.read_text()
    assert not (tmp_path / "state" / "cloud.json").exists()


PARENT = """
import sys, time
from otactl.cloud import CloudSettings, start_local_cloud
cloud = start_local_cloud(CloudSettings())
print(cloud.address.pid, cloud.address.mqtt_port, cloud.address.state_dir, flush=True)
time.sleep(600)
"""


def test_killing_the_parent_outright_takes_the_cloud_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid, mqtt_port, state_dir = parent.stdout.readline().decode().split()
        parent.kill()

    wait_until(lambda: not is_running(int(pid)), "the end of the orphaned cloud")
    assert not Path(state_dir).exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(mqtt_port)))


def test_a_client_without_a_certificate_gets_nothing(cloud: RunningCloud) -> None:
    context = ssl.create_default_context(cafile=cloud.address.ca_file)
    connect = bytes.fromhex("100e00044d5154540402003c00026964")  # MQTT 3.1.1, client id "id"
    broker = (cloud.address.mqtt_host, cloud.address.mqtt_port)

    def converse() -> bytes:
        with (
            socket.create_connection(broker, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=cloud.address.mqtt_host) as secured,
        ):
            secured.sendall(connect)
            return secured.recv(4)

    answer = b""
    with contextlib.suppress(OSError):  # an alert, or just the end of the connection
        answer = converse()
    assert answer == b""  # and not a CONNACK
