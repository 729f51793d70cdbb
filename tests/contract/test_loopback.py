"""Nothing of a local cloud listens beyond loopback: read from the kernel's own socket table."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import listening_sockets, process_tree

from otactl.aws.clients import AwsClients, AwsSettings

if TYPE_CHECKING:
    from tests.conftest import StartCloud

LOOPBACK_HEX = {"0100007F", "00000000000000000000000001000000"}

HANDLER = b"""
import os
def handler(event, context):
    return {"pid": os.getpid(), "parent": os.getppid(), "secrets": [
        name for name in os.environ if name in ("REAL_SECRET", "HTTPS_PROXY")]}
"""


def has_not_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # ended; whoever is its parent now has yet to notice


def make_function(clients: AwsClients) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = clients.iam.create_role(
        RoleName="runner",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", HANDLER)
    clients.lambda_.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
    )
    clients.lambda_.get_waiter("function_active_v2").wait(
        FunctionName="f", WaiterConfig={"Delay": 1}
    )


@pytest.mark.parametrize("speed", [1.0, 30.0])
def test_every_listener_is_on_loopback_also_after_a_lambda_ran(
    start_cloud: StartCloud, monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    monkeypatch.setenv("REAL_SECRET", "of the user")
    cloud = start_cloud(speed=speed)
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    make_function(clients)

    answer = json.loads(clients.lambda_.invoke(FunctionName="f")["Payload"].read())

    tree = process_tree(cloud.address.pid)
    sockets = listening_sockets(tree)
    gateway = int(cloud.address.endpoint_url.rpartition(":")[2])
    assert answer["pid"] in tree
    assert {gateway, cloud.address.mqtt_port} <= {socket.port for socket in sockets}
    assert {socket.address_hex for socket in sockets} <= LOOPBACK_HEX
    assert answer["secrets"] == []

    cloud.stop()
    deadline = time.monotonic() + 5
    while has_not_ended(answer["pid"]):
        assert time.monotonic() < deadline
    assert not Path(cloud.address.state_dir).exists()
