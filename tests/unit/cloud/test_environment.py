from __future__ import annotations

from pathlib import Path

import pytest

from otactl.cloud.environment import ministack_environment, server_environment
from otactl.cloud.settings import CloudSettings, ServerSettings

STATE = Path("/state/of/mine")
SERVER = ServerSettings(
    gateway_fd=5,
    https_fd=5,
    mqtt_fd=6,
    lifeline_fd=7,
    port=4000,
    https_port=4443,
    mqtt_port=4001,
    state_dir=str(STATE),
    remove_state_dir=False,
    clock_origin_ms=0,
    access_key_id="AKIA1",
    secret_access_key="s",
    cloud_secret="c",
    chosen=CloudSettings(account_id="123456789012", region="eu-west-1", speed=60.0),
)


def test_nothing_of_the_users_account_reaches_the_server() -> None:
    ours = {
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_PROFILE": "real",
        "HTTPS_PROXY": "http://proxy",
        "DATABASE_PASSWORD": "real",
        "MINISTACK_ACCOUNT_ID": "999999999999",
        "PATH": "/bin",
        "LC_ALL": "C",
    }

    assert server_environment(ours) == {"PATH": "/bin", "LC_ALL": "C"}


@pytest.mark.parametrize("name", ["TMPDIR", "STATE_DIR", "S3_DATA_DIR"])
def test_every_file_lands_under_the_state_directory(name: str) -> None:
    assert Path(ministack_environment(SERVER, STATE)[name]).is_relative_to(STATE)


def test_ministack_finds_no_docker_and_asks_for_credentials() -> None:
    variables = ministack_environment(SERVER, STATE)

    assert variables["DOCKER_HOST"].startswith(f"unix://{STATE}/")
    assert variables["AUTH"] == "true"
    assert variables["BIND_HOST"] == "127.0.0.1"


def test_limits_that_guard_real_peers_last_real_seconds() -> None:
    assert ministack_environment(SERVER, STATE)["IOT_RETRANSMIT_SECONDS"] == str(30 * 60)
