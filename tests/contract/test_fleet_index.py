"""The fleet index, connectivity data and package configuration of the local cloud.

Asked with boto3, the AWS CLI and the shadow client of the AWS IoT Device SDK; answers in the
shapes of AWS's guide (managing-index, device-connectivity-status).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from awscrt import mqtt
from awsiot import iotshadow
from botocore.exceptions import ClientError
from tests.conftest import connected
from tests.support.index_field import reported_field
from tests.support.sdk_connection import SECONDS
from tests.support.waiting import wait_until

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import give_hardware
from otactl.aws.thing_states import IotThingStates
from otactl.cloud.constraint import violations
from otactl.errors import AwsRefused
from otactl.model.fleet_query import (
    NOT_CONNECTED,
    in_group,
    named_like,
    query,
    term,
)
from otactl.model.thing_state import VersionSource
from otactl.operations.clock import CommandClock
from otactl.testing import registered_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import DeviceIdentity, MakeDevice, StartCloud

    from otactl.cloud import RunningCloud

QOS = mqtt.QoS.AT_LEAST_ONCE
CLASSIC = VersionSource(version_path=("version",), boot_count_path=("boots",))
VERSION = reported_field(CLASSIC, CLASSIC.version_path)
PACKAGE = VersionSource(shadow="$package", version_path=("app", "version"))
EVERYTHING = {
    "thingIndexingMode": "REGISTRY_AND_SHADOW",
    "thingConnectivityIndexingMode": "STATUS",
    "namedShadowIndexingMode": "ON",
    "filter": {"namedShadowNames": ["$package"]},
}


@pytest.fixture(scope="module")
def indexed(cloud: RunningCloud) -> Iterator[AwsClients]:
    """Clients of a region of the shared cloud in which everything is indexed; no device is."""
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    clients.iot.update_indexing_configuration(thingIndexingConfiguration=EVERYTHING)
    yield clients
    clients.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "OFF"}
    )


def report(clients: AwsClients, thing: str, shadow: str = "", **reported: Any) -> None:
    payload = json.dumps({"state": {"reported": reported}})
    named = {"shadowName": shadow} if shadow else {}
    clients.iot_data.update_thing_shadow(thingName=thing, payload=payload.encode(), **named)


def states_of(clients: AwsClients) -> IotThingStates:
    return IotThingStates(clients, CommandClock())


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"]


def test_a_search_answers_with_the_document_of_the_guide(indexed: AwsClients, unique: str) -> None:
    name = f"mything-{unique}"
    indexed.iot.create_thing(thingName=name, attributePayload={"attributes": {"model": "1.2"}})
    desired = {"location": "new york", "myvalues": [3, 4, 5]}
    reported = {"location": "new york", "myvalues": [1, 2, 3], "stats": {"battery": 78}}
    before = int(time.time())
    indexed.iot_data.update_thing_shadow(
        thingName=name,
        payload=json.dumps({"state": {"desired": desired, "reported": reported}}).encode(),
    )
    report(indexed, name, "$package", app={"version": "1.0.0"})

    found = indexed.iot.search_index(
        indexName="AWS_Things", queryString=f"thingName:mything-{unique[:4]}*"
    )

    (thing,) = found["things"]
    shadow = json.loads(thing["shadow"])
    assert "nextToken" not in found
    assert thing["thingName"] == name
    assert thing["attributes"] == {"model": "1.2"}
    assert thing["connectivity"] == {"connected": False}
    assert (shadow["desired"], shadow["reported"]) == (desired, reported)
    assert (shadow["hasDelta"], shadow["version"]) == (True, 1)
    stamp = shadow["metadata"]["reported"]["stats"]["battery"]["timestamp"]
    assert before <= stamp <= time.time()
    package = shadow["name"]["$package"]
    assert package["reported"] == {"app": {"version": "1.0.0"}}
    assert package["metadata"]["reported"]["app"]["version"]["timestamp"] >= before


def test_answers_are_what_the_service_model_says(indexed: AwsClients, unique: str) -> None:
    iot, name = indexed.iot, f"model-{unique}"
    faults: dict[str, list[str]] = {}

    def check(http_response: Any, model: Any, **_: Any) -> None:
        answer = json.loads(http_response.content or b"{}")
        unknown = [key for key in answer if key not in model.output_shape.members]
        faults[model.name] = unknown + violations(model.output_shape, answer)

    clients = AwsClients(indexed.settings)
    clients.iot.meta.events.register("after-call.iot", check)
    iot.create_thing(thingName=name)
    report(indexed, name, "$package", app={"version": "1"})
    clients.iot.search_index(queryString=f"thingName:{name}")
    clients.iot.get_statistics(queryString=f"thingName:{name}")
    clients.iot.describe_index(indexName="AWS_Things")
    clients.iot.get_indexing_configuration()
    clients.iot.get_thing_connectivity_data(thingName=name)
    clients.iot.get_package_configuration()

    assert set(faults) == {
        "SearchIndex",
        "GetStatistics",
        "DescribeIndex",
        "GetIndexingConfiguration",
        "GetThingConnectivityData",
        "GetPackageConfiguration",
    }
    assert not any(faults.values()), faults


def test_pages_and_groups_and_one_not(indexed: AwsClients, unique: str) -> None:
    group = f"g-{unique}"
    indexed.iot.create_thing_group(thingGroupName=group)
    names = [f"t{number}-{unique}" for number in range(5)]
    for number, name in enumerate(names):
        indexed.iot.create_thing(thingName=name)
        indexed.iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
        report(indexed, name, version="2.0.0" if number % 2 else "1.0.0", boots=number)
    all_of_them = query(in_group(group), term(VERSION, "1.0.0"))

    first = indexed.iot.search_index(queryString=all_of_them, maxResults=2)
    second = indexed.iot.search_index(
        queryString=all_of_them, maxResults=2, nextToken=first["nextToken"]
    )
    others = list(
        states_of(indexed).search(
            query(
                in_group(group),
                "NOT " + term(VERSION, "1.0.0"),
            ),
            CLASSIC,
        )
    )

    assert states_of(indexed).count(all_of_them) == 3
    paged = [thing["thingName"] for page in (first, second) for thing in page["things"]]
    assert (len(first["things"]), paged, "nextToken" in second) == (2, names[::2], False)
    assert [(one.thing_name, one.version, one.boots) for one in others] == [
        (names[1], "2.0.0", 1),
        (names[3], "2.0.0", 3),
    ]


def test_what_a_device_says_over_mqtt_is_read_singly_and_from_the_index(
    cloud: RunningCloud, indexed: AwsClients, make_device: MakeDevice, unique: str
) -> None:
    device = make_device(f"dev-{unique}")
    states = states_of(indexed)
    both = query(
        term("thingName", device.thing_name), r"shadow.name.\$package.reported.app.version:*"
    )

    async def session() -> tuple[list[Any], list[Any]]:
        async with connected(cloud, device) as client:
            topic = f"$aws/things/{device.thing_name}/shadow/name/$package/update"
            reported = {"state": {"reported": {"app": {"version": "1.2.3"}}}}
            await client.subscribe(f"{topic}/accepted", qos=1)
            await client.publish(topic, json.dumps(reported), qos=1)
            await anext(aiter(client.messages))
            found = list(states.search(both, PACKAGE))
            return found, list(states.read([device.thing_name], PACKAGE, connectivity=True))

    found, read = asyncio.run(asyncio.wait_for(session(), SECONDS))
    gone = next(states.read([device.thing_name], PACKAGE, connectivity=True))
    (connection,) = states.read([device.thing_name], None, connectivity=True)

    assert found == read
    assert (read[0].version, read[0].is_connected) == ("1.2.3", True)
    assert abs((read[0].version_at_ms or 0) / 1000 - time.time()) < SECONDS
    assert (gone.version, gone.is_connected) == ("1.2.3", False)
    assert (connection.version, connection.is_connected) == (None, False)
    assert (gone.connection_at_ms or 0) >= (read[0].connection_at_ms or 0)


def test_hardware_is_an_attribute_or_reported(indexed: AwsClients, unique: str) -> None:
    name = f"hw-{unique}"
    indexed.iot.create_thing(thingName=name, attributePayload={"attributes": {"model": "m"}})
    report(indexed, name, version="1.0")
    states = states_of(indexed)
    attribute = VersionSource(version_path=("version",), hardware_path=("attributes", "board"))
    reported = VersionSource(version_path=("version",), hardware_path=("reported", "hw", "board"))

    give_hardware(indexed, [name], attribute, "rev-b")
    give_hardware(indexed, [name], reported, "rev-c")

    thing = indexed.iot.describe_thing(thingName=name)
    assert thing["attributes"] == {"model": "m", "board": "rev-b"}
    for source, expected in ((attribute, "rev-b"), (reported, "rev-c")):
        found = next(states.search(term("thingName", name), source))
        read, nobody = states.read([name, f"nobody-{unique}"], source, connectivity=True)
        assert (found, found.hardware, nobody.hardware) == (read, expected, None)


def test_connectivity_data_has_the_reason_of_a_disconnect(
    cloud: RunningCloud, indexed: AwsClients, make_device: MakeDevice, unique: str
) -> None:
    device = make_device(f"conn-{unique}")
    ask = indexed.iot.get_thing_connectivity_data
    away = query(named_like(device.thing_name), NOT_CONNECTED)

    def is_away() -> bool:
        return bool(list(states_of(indexed).search(away, None)))

    async def session() -> tuple[dict[str, Any], bool]:
        async with connected(cloud, device):
            return ask(thingName=device.thing_name), is_away()

    never, before = ask(thingName=device.thing_name), is_away()
    (online, during), offline = asyncio.run(session()), ask(thingName=device.thing_name)

    assert (never["thingName"], never["connected"]) == (device.thing_name, False)
    assert "timestamp" not in never
    # Who never connected is not connected, to the index too: no arm of a comparison has it.
    assert (before, during, is_away()) == (True, False, True)
    assert (online["connected"], online["disconnectReason"]) == (True, "NONE")
    assert (offline["connected"], offline["disconnectReason"]) == (
        False,
        "CLIENT_INITIATED_DISCONNECT",
    )
    assert offline["timestamp"] >= online["timestamp"]
    assert refused(ask, thingName=f"nobody-{unique}") == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ({"thingIndexingMode": "REGISTRY"}, "shadow.reported.version:1"),
        ({"thingIndexingMode": "REGISTRY_AND_SHADOW"}, "connectivity.connected:true"),
        ({"thingIndexingMode": "REGISTRY_AND_SHADOW"}, r"shadow.name.\$package.reported.a:1"),
        ({"thingIndexingMode": "REGISTRY"}, "thingName:a OR thingName:b"),
    ],
)
def test_what_is_not_indexed_cannot_be_searched(
    elsewhere: AwsClients, configuration: dict[str, Any], text: str
) -> None:
    elsewhere.iot.update_indexing_configuration(thingIndexingConfiguration=configuration)

    assert refused(elsewhere.iot.search_index, queryString=text) == "InvalidQueryException"


@pytest.fixture
def elsewhere(cloud: RunningCloud) -> Iterator[AwsClients]:
    """Clients of another region of the shared cloud, whose index nobody else uses."""
    settings = AwsSettings.for_local_cloud(cloud.address)
    clients = AwsClients(AwsSettings(**(vars_of(settings) | {"region": "eu-west-3"})))
    yield clients
    clients.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "OFF"}
    )


def vars_of(settings: AwsSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in AwsSettings.__slots__}


def test_an_index_that_is_off_answers_nothing_and_says_so(elsewhere: AwsClients) -> None:
    states = states_of(elsewhere)

    assert "is off" in states.index_gap(CLASSIC)
    assert "thingConnectivityIndexingMode" in states.index_gap(CLASSIC)
    assert "thingConnectivityIndexingMode" not in states.index_gap(CLASSIC, connectivity=False)
    assert refused(elsewhere.iot.describe_index, indexName="AWS_Things") == (
        "ResourceNotFoundException"
    )
    assert refused(elsewhere.iot.get_thing_connectivity_data, thingName="a") == (
        "IndexNotReadyException"
    )
    with pytest.raises(AwsRefused, match="does not exist") as refusal:
        next(states.search("thingName:a", CLASSIC))
    assert "describe-index" in (refusal.value.hint or "")
    elsewhere.iot.create_thing(thingName="alone")
    report(elsewhere, "alone", version="1.0.0", boots=3)
    (alone, nobody) = states.read(["alone", "nobody"], CLASSIC, connectivity=True)
    assert (alone.version, alone.boots, alone.is_connected) == ("1.0.0", 3, None)
    assert (nobody.version, nobody.unreadable) == (None, "")


def test_the_gap_of_an_index_names_each_setting(elsewhere: AwsClients) -> None:
    states = states_of(elsewhere)
    elsewhere.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "REGISTRY"}
    )

    assert "REGISTRY_AND_SHADOW" in states.index_gap(CLASSIC)
    assert "STATUS" in states.index_gap(CLASSIC)
    assert "STATUS" in states.index_gap(None)
    assert "shadow" not in states.index_gap(None)
    assert "STATUS" not in states.index_gap(CLASSIC, connectivity=False)
    assert "$package" in states.index_gap(PACKAGE)
    elsewhere.iot.update_indexing_configuration(thingIndexingConfiguration=EVERYTHING)
    assert (states.index_gap(CLASSIC), states.index_gap(PACKAGE)) == ("", "")


@pytest.fixture
def late(start_cloud: StartCloud, tmp_path: Path) -> Iterator[tuple[Any, ...]]:
    """A cloud whose index is a second in the making and three behind, with one device."""
    cloud = start_cloud(index_lag_seconds=60, index_build_seconds=20, speed=20)
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    account = cloud.address.account_id
    with registered_device(
        clients, account_id=account, thing_name="late", directory=tmp_path
    ) as it:
        yield cloud, clients, it


def test_an_index_is_built_and_rebuilt_and_lags_behind(late: tuple[Any, ...]) -> None:
    cloud, clients, device = late
    states, ask = states_of(clients), clients.iot.search_index
    update = clients.iot.update_indexing_configuration
    update(thingIndexingConfiguration={"thingIndexingMode": "REGISTRY"})

    building = clients.iot.describe_index(indexName="AWS_Things")["indexStatus"]
    assert (building, states.index_gap(PACKAGE) != "") == ("BUILDING", True)
    assert refused(ask, queryString="thingName:late") == "IndexNotReadyException"
    wait_until(
        lambda: clients.iot.describe_index(indexName="AWS_Things")["indexStatus"] == "ACTIVE"
    )
    update(thingIndexingConfiguration=EVERYTHING)
    assert clients.iot.describe_index(indexName="AWS_Things")["indexStatus"] == "REBUILDING"
    assert refused(ask, queryString="shadow.reported.version:1") == "InvalidQueryException"
    wait_until(lambda: states.index_gap(PACKAGE) == "")
    wait_until(lambda: ask(queryString="thingName:late")["things"])
    clients.iot.create_thing_group(thingGroupName="g")
    clients.iot.add_thing_to_thing_group(thingGroupName="g", thingName="late")
    asyncio.run(hello(cloud, device))
    report(clients, "late", version="2.0.0")
    behind = ask(queryString="thingName:late")["things"][0]
    now = next(states.read(["late"], CLASSIC, connectivity=True))

    assert (now.version, now.is_connected) == ("2.0.0", False)
    assert (behind["thingGroupNames"], behind["connectivity"]) == ([], {"connected": False})
    assert "shadow" not in behind
    wait_until(lambda: next(states.search(in_group("g"), CLASSIC), None) == now)


async def hello(cloud: RunningCloud, device: DeviceIdentity) -> None:
    """Connect, and go."""
    async with connected(cloud, device):
        pass


def test_the_package_configuration_is_kept(clients: AwsClients) -> None:
    update = clients.iot.update_package_configuration
    role = "arn:aws:iam::123456789012:role/jobs-write-versions"

    def kept() -> dict[str, Any]:
        return clients.iot.get_package_configuration().get("versionUpdateByJobsConfig", {})

    assert not kept().get("enabled")
    assert refused(update, versionUpdateByJobsConfig={"enabled": True}) == "ValidationException"
    update(versionUpdateByJobsConfig={"enabled": True, "roleArn": role})
    assert kept()["enabled"]
    update(versionUpdateByJobsConfig={"enabled": False})
    assert kept() == {"enabled": False, "roleArn": role}


def test_the_aws_cli_reads_what_a_device_wrote_with_the_sdks_shadow_client(
    cloud: RunningCloud,
    indexed: AwsClients,
    connection: mqtt.Connection,
    thing: DeviceIdentity,
    tmp_path: Path,
) -> None:
    shadows = iotshadow.IotShadowClient(connection)
    accepted: Future[Any] = Future()
    got: Future[Any] = Future()
    named = {"thing_name": thing.thing_name, "shadow_name": "$package"}
    for done, _ in (
        shadows.subscribe_to_update_named_shadow_accepted(
            iotshadow.UpdateNamedShadowSubscriptionRequest(**named), QOS, accepted.set_result
        ),
        shadows.subscribe_to_get_named_shadow_accepted(
            iotshadow.GetNamedShadowSubscriptionRequest(**named), QOS, got.set_result
        ),
    ):
        done.result(SECONDS)
    reported = {"app": {"version": "4.5.6"}}
    shadows.publish_update_named_shadow(
        iotshadow.UpdateNamedShadowRequest(state=iotshadow.ShadowState(reported=reported), **named),
        QOS,
    ).result(SECONDS)
    accepted.result(SECONDS)
    shadows.publish_get_named_shadow(iotshadow.GetNamedShadowRequest(**named), QOS).result(SECONDS)

    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), *arguments],
            env=os.environ | cloud.address.environment() | {"AWS_PAGER": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads(done.stdout or "{}")

    file = tmp_path / "shadow.json"
    named_shadow = ["--thing-name", thing.thing_name, "--shadow-name", "$package"]
    aws("iot-data", "get-thing-shadow", *named_shadow, str(file))
    search = rf"thingName:{thing.thing_name} AND shadow.name.\$package.reported.app.version:4.5.6"
    found = aws("iot", "search-index", "--query-string", search)
    connectivity = aws("iot", "get-thing-connectivity-data", "--thing-name", thing.thing_name)

    assert got.result(SECONDS).state.reported == reported
    assert json.loads(file.read_text())["state"]["reported"] == reported
    assert [one["thingName"] for one in found["things"]] == [thing.thing_name]
    assert found["things"][0]["connectivity"]["connected"] is True
    assert connectivity["connected"] is True
