"""What virtual devices report to their shadows, read by clients that nobody here wrote."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from awscrt import mqtt
from awsiot import iotshadow
from tests.support.fleet_stage import Stage, wait_for_results
from tests.support.sdk_connection import SECONDS, sdk_connection
from tests.support.waiting import wait_until

from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile
from otactl.fleet import FactoryImage, RunningImage
from otactl.model.thing_state import VersionSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import DeviceIdentity, MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

QOS = mqtt.QoS.AT_LEAST_ONCE
FORMER, IMAGE = b"the image that runs before" * 40, b"the image of the job" * 400
FORMER_SHA256, SHA256 = (hashlib.sha256(content).hexdigest() for content in (FORMER, IMAGE))
PROFILE = DeviceProfile(install_ms=50, reboot_ms=50, crash_ms=200, late_ms=3_000)
OLD_1, OLD_3 = ("1", FORMER_SHA256, 1), ("1", FORMER_SHA256, 3)
#: What the device runs in the end, and what its shadow says: version and boots.
EXPECTED = {
    Behaviour.SUCCEED: (("2", SHA256, 2), ("2", 2)),
    Behaviour.FAIL: (OLD_1, ("1", 1)),
    Behaviour.REVERT: (OLD_3, ("1", 3)),
    Behaviour.LIAR: (OLD_1, ("1", 1)),
    Behaviour.DARK: (("2", SHA256, 2), ("2", 2)),
    Behaviour.BRICK: (("2", SHA256, 1), ("1", 1)),
    Behaviour.LATE: (("2", SHA256, 2), ("2", 2)),
}


@pytest.fixture
def things(staged: Callable[..., Stage]) -> Stage:
    """A thing for each way to go on after a job."""
    return staged([*EXPECTED, Behaviour.CRASHLOOP], IMAGE, shadows=["pump"])


def _shadow(clients: AwsClients, thing_name: str, **name: str) -> dict[str, Any]:
    answer = clients.iot_data.get_thing_shadow(thingName=thing_name, **name)
    return json.loads(answer["payload"].read())["state"]["reported"]


def test_each_behaviour_reports_what_it_really_runs(
    things: Stage, clients: AwsClients, unique: str, tmp_path: Path
) -> None:
    former = tmp_path / "former.bin"
    former.write_bytes(FORMER)
    behaviours = {f"{each}-{unique}": each for each in (*EXPECTED, Behaviour.CRASHLOOP)}
    factory = FactoryImage(version="1", path=former)

    with things.fleet(behaviours=behaviours, profile=PROFILE, factory=factory) as fleet:
        wait_until(lambda: fleet.progress().is_settled, "all connected", seconds=SECONDS)
        before = _shadow(clients, f"late-{unique}")
        things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, len(behaviours))

        def reported(behaviour: Behaviour) -> tuple[str, int]:
            said = _shadow(clients, f"{behaviour}-{unique}")
            return said["version"], said["boots"]

        for behaviour, (_, expected) in EXPECTED.items():
            wait_until(
                lambda each=behaviour, wanted=expected: reported(each) == wanted,
                f"{behaviour} reports {expected}",
                seconds=SECONDS,
            )
        wait_until(
            lambda: reported(Behaviour.CRASHLOOP)[1] > 4, "it boots again and again", seconds=60
        )
        running = fleet.running()
        connected = fleet.progress().connected

    assert before == {"version": "1", "boots": 1}
    for behaviour, ((version, sha256, boots), _) in EXPECTED.items():
        assert running[f"{behaviour}-{unique}"] == RunningImage(
            version=version, sha256=sha256, boots=boots
        ), behaviour
    assert running[f"crashloop-{unique}"].version == "2"
    # Dark and brick are gone; the one that crashes comes and goes.
    assert connected in (len(behaviours) - 3, len(behaviours) - 2)
    statuses = {result.behaviour: result.status for result in fleet.results()}
    assert {each.value for each, status in statuses.items() if status != "SUCCEEDED"} == {"fail"}


def test_the_aws_cli_and_the_sdks_shadow_client_read_it(
    cloud: RunningCloud,
    clients: AwsClients,
    things: Stage,
    unique: str,
    make_device: MakeDevice,
) -> None:
    thing_name = f"succeed-{unique}"
    sources = (
        VersionSource(version_path=("version",), boot_count_path=("boots",)),
        VersionSource(shadow="pump", version_path=("fw", "version")),
        VersionSource(shadow="$package", version_path=("pump", "version")),
    )
    # What the image has in itself counts, not what the job document calls it ("2").
    own = {"version_sources": sources, "image_versions": {SHA256: "2.0.1"}}
    with things.fleet(factory=FactoryImage(version="1"), **own) as fleet:
        things.create_job(unique, IMAGE, stream=unique)
        wait_for_results(fleet, len(things.manifest.things))
        wait_until(
            lambda: _shadow(clients, thing_name)["version"] == "2.0.1",
            "it reports",
            seconds=SECONDS,
        )
        # A report goes to one shadow after the other, to this one last.
        wait_until(
            lambda: (
                _shadow(clients, thing_name, shadowName="$package")["pump"]["version"] == "2.0.1"
            ),
            "it reports to $package",
            seconds=SECONDS,
        )

    classic = _read_by_cli(cloud, thing_name)
    package = _read_by_cli(cloud, thing_name, "--shadow-name", "$package")
    with _sdk_connection(cloud, clients, make_device(f"reader-{unique}")) as connection:
        by_sdk = _read_by_sdk(connection, thing_name)

    assert classic["state"]["reported"] == {"version": "2.0.1", "boots": 2}
    assert set(classic["metadata"]["reported"]) == {"version", "boots"}
    assert package["state"]["reported"] == {"pump": {"version": "2.0.1"}}
    assert _shadow(clients, thing_name, shadowName="pump") == {"fw": {"version": "2.0.1"}}
    assert by_sdk == ({"version": "2.0.1", "boots": 2}, {"pump": {"version": "2.0.1"}})


def _read_by_cli(cloud: RunningCloud, thing_name: str, *more: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("aws")), "iot-data", "get-thing-shadow"),
            *("--thing-name", thing_name, *more, "/dev/stdout"),
        ],
        env=os.environ | cloud.address.environment() | {"AWS_PAGER": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def _sdk_connection(
    cloud: RunningCloud, clients: AwsClients, reader: DeviceIdentity
) -> Iterator[mqtt.Connection]:
    """The SDK's connection of a thing that may read the shadows of others."""
    iot, policy = clients.iot, f"{reader.thing_name}-shadows"
    (principal,) = iot.list_thing_principals(thingName=reader.thing_name)["principals"]
    actions = [f"iot:{verb}" for verb in ("Publish", "Subscribe", "Receive")]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iot.create_policy(policyName=policy, policyDocument=document)
    iot.attach_policy(policyName=policy, target=principal)
    try:
        with sdk_connection(cloud, reader) as connection:
            yield connection
    finally:
        iot.detach_policy(policyName=policy, target=principal)
        iot.delete_policy(policyName=policy)


def _read_by_sdk(connection: mqtt.Connection, thing_name: str) -> tuple[Any, Any]:
    """The reported state of the classic and of the reserved shadow, over MQTT."""
    client = iotshadow.IotShadowClient(connection)
    classic: Future[Any] = Future()
    package: Future[Any] = Future()
    of_package = {"thing_name": thing_name, "shadow_name": "$package"}
    for subscribed, _ in (
        client.subscribe_to_get_shadow_accepted(
            iotshadow.GetShadowSubscriptionRequest(thing_name=thing_name), QOS, classic.set_result
        ),
        client.subscribe_to_get_named_shadow_accepted(
            iotshadow.GetNamedShadowSubscriptionRequest(**of_package), QOS, package.set_result
        ),
    ):
        subscribed.result(SECONDS)
    client.publish_get_shadow(iotshadow.GetShadowRequest(thing_name=thing_name), QOS)
    client.publish_get_named_shadow(iotshadow.GetNamedShadowRequest(**of_package), QOS)
    return tuple(answer.result(SECONDS).state.reported for answer in (classic, package))
