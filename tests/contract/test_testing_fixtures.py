"""The fixtures that others get: a device connects with them, and nothing of it stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import connected

pytest_plugins = ["otactl.testing.fixtures"]


async def test_a_device_connects_and_hears_itself_on_its_own_topics(local_cloud, local_device):
    device = local_device("testing-one")

    async with connected(local_cloud, device) as client:
        await client.subscribe(f"$aws/things/{device.thing_name}/own")
        await client.publish(f"$aws/things/{device.thing_name}/own", b"heard")
        assert (await anext(aiter(client.messages))).payload == b"heard"


def test_a_thing_goes_with_its_test(local_cloud_environment):
    named = subprocess.run(
        [sys.executable, "-m", "otactl", "things", "--all"],
        env=os.environ | local_cloud_environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "testing-one" not in named.stdout + named.stderr
    assert named.returncode == 2, named.stderr


def test_a_key_is_its_owners_alone(local_device):
    device = local_device("testing-two")

    assert Path(device.private_key_file).stat().st_mode & 0o777 == 0o600
