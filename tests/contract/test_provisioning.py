"""A fleet's things in the local cloud: made, completed, and removed without a trace."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.errors import AwsUnreachable, UserMistake
from otactl.fleet import FleetDirectory
from otactl.fleet.credentials import certificate_request
from otactl.operations.fleet_provisioning import create_fleet, delete_fleet, plan_fleet

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.cloud import RunningCloud
    from otactl.fleet import FleetManifest


@pytest.fixture
def manifest(clients: AwsClients, unique: str) -> FleetManifest:
    things = [f"{unique}-{number}" for number in range(3)]
    return plan_fleet(clients, things=things, groups={unique: things, f"{unique}-x": things[:1]})


def _traces(clients: AwsClients, manifest: FleetManifest) -> dict[str, list[str]]:
    """All that an account holds of a fleet, looked up."""
    iot = clients.iot
    certificates = [
        certificate["certificateArn"]
        for page in iot.get_paginator("list_certificates").paginate()
        for certificate in page["certificates"]
        if certificate["creationDate"].timestamp() * 1000 >= manifest.created_at_ms - 1000
    ]
    things = [
        thing["thingName"]
        for page in iot.get_paginator("list_things").paginate()
        for thing in page["things"]
    ]
    return {
        "things": sorted(name for name in things if name in manifest.things),
        "groups": [
            group["groupName"]
            for group in iot.list_thing_groups()["thingGroups"]
            if group["groupName"] in manifest.groups
        ],
        "policies": [
            policy["policyName"]
            for policy in iot.list_policies()["policies"]
            if policy["policyName"] == manifest.policy_name
        ],
        "certificates": sorted(certificates),
    }


NOTHING: dict[str, list[str]] = {"things": [], "groups": [], "policies": [], "certificates": []}


def test_a_fleet_is_made_as_planned_and_removed_without_a_trace(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path, unique: str
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")

    assert list(create_fleet(clients, directory, manifest)) == manifest.things

    traces = _traces(clients, manifest)
    assert traces["things"] == manifest.things
    assert len(traces["certificates"]) == 3
    for thing_name in manifest.things:
        (principal,) = clients.iot.list_thing_principals(thingName=thing_name)["principals"]
        assert principal == directory.certificate_arn(thing_name)
        (policy,) = clients.iot.list_attached_policies(target=principal)["policies"]
        assert policy["policyName"] == manifest.policy_name
    members = clients.iot.list_things_in_thing_group(thingGroupName=unique)["things"]
    assert sorted(members) == manifest.things
    few = clients.iot.list_things_in_thing_group(thingGroupName=f"{unique}-x")["things"]
    assert few == manifest.things[:1]

    assert list(delete_fleet(clients, directory, manifest)) == manifest.things
    assert _traces(clients, manifest) == NOTHING
    assert not directory.root.exists()


def test_making_it_again_changes_nothing(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")
    list(create_fleet(clients, directory, manifest))
    before = _traces(clients, manifest)

    list(create_fleet(clients, directory, manifest))

    assert _traces(clients, manifest) == before
    list(delete_fleet(clients, directory, manifest))
    list(delete_fleet(clients, directory, manifest))
    assert _traces(clients, manifest) == NOTHING


class _Failing:
    """Clients whose n-th request from now on fails before it is sent, as a cut network does."""

    def __init__(self, cloud: RunningCloud, fail_at: int) -> None:
        self.clients = AwsClients(AwsSettings.for_local_cloud(cloud.address, max_attempts=1))
        self._numbers = itertools.count(1)
        self._fail_at = fail_at
        for client in (self.clients.iot, self.clients.sts):
            client.meta.events.register_first("before-send", self._before_send)

    def _before_send(self, **_: Any) -> None:
        if next(self._numbers) >= self._fail_at:
            raise AwsUnreachable("iot:Any", "Cut", "the network is gone")


@pytest.mark.parametrize("fail_at", [2, 3, 5, 8, 11, 13])
def test_a_half_made_fleet_is_completed_or_removed(
    cloud: RunningCloud,
    clients: AwsClients,
    manifest: FleetManifest,
    tmp_path: Path,
    fail_at: int,
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")
    with pytest.raises(AwsUnreachable):
        list(create_fleet(_Failing(cloud, fail_at).clients, directory, manifest))
    with pytest.raises(AwsUnreachable):
        list(delete_fleet(_Failing(cloud, fail_at).clients, directory, manifest))

    if fail_at % 2:
        assert list(create_fleet(clients, directory, manifest)) == manifest.things
        assert len(_traces(clients, manifest)["certificates"]) == 3
    list(delete_fleet(clients, directory, manifest))

    assert _traces(clients, manifest) == NOTHING


def test_a_certificate_whose_removal_was_cut_off_is_replaced_and_not_left_behind(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")
    list(create_fleet(clients, directory, manifest))
    first = directory.certificate_arn(manifest.things[0])
    assert first is not None
    identifier = first.rpartition("/")[2]
    clients.iot.update_certificate(certificateId=identifier, newStatus="INACTIVE")

    list(create_fleet(clients, directory, manifest))

    certificates = _traces(clients, manifest)["certificates"]
    assert len(certificates) == 3
    assert first not in certificates
    list(delete_fleet(clients, directory, manifest))
    assert _traces(clients, manifest) == NOTHING


def test_a_certificate_of_which_only_the_arn_was_kept_is_fetched(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path
) -> None:
    # The process died between the two files of a certificate; `fleet create` makes what is missing.
    directory = FleetDirectory(tmp_path / "fleet")
    list(create_fleet(clients, directory, manifest))
    files = directory.files_of(manifest.things[0])
    whole = files.certificate_file.read_text()
    files.certificate_file.unlink()

    list(create_fleet(clients, directory, manifest))

    assert files.certificate_file.read_text() == whole
    assert len(_traces(clients, manifest)["certificates"]) == 3
    list(delete_fleet(clients, directory, manifest))


def test_a_certificate_that_nothing_points_to_is_found_by_its_key(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path
) -> None:
    # The process died after AWS signed and before the ARN was on disk or anything attached.
    directory = FleetDirectory(tmp_path / "fleet")
    directory.write(manifest)
    thing_name = manifest.things[0]
    clients.iot.create_certificate_from_csr(
        certificateSigningRequest=certificate_request(thing_name, directory.files_of(thing_name)),
        setAsActive=True,
    )
    foreign = clients.iot.create_keys_and_certificate(setAsActive=True)

    list(delete_fleet(clients, directory, manifest))

    assert _traces(clients, manifest) == {**NOTHING, "certificates": [foreign["certificateArn"]]}
    identifier = foreign["certificateId"]
    clients.iot.update_certificate(certificateId=identifier, newStatus="INACTIVE")
    clients.iot.delete_certificate(certificateId=identifier)


def test_a_thing_of_somebody_else_is_refused_and_left_alone(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")
    foreign = manifest.things[1]
    clients.iot.create_thing(thingName=foreign, attributePayload={"attributes": {"own": "yes"}})

    with pytest.raises(UserMistake, match=f"a thing named {foreign} exists"):
        list(create_fleet(clients, directory, manifest))
    list(delete_fleet(clients, directory, manifest))

    assert _traces(clients, manifest) == {**NOTHING, "things": [foreign]}
    clients.iot.delete_thing(thingName=foreign)


def test_a_group_of_somebody_else_is_used_and_kept(
    clients: AwsClients, manifest: FleetManifest, tmp_path: Path, unique: str
) -> None:
    directory = FleetDirectory(tmp_path / "fleet")
    clients.iot.create_thing_group(thingGroupName=unique)

    list(create_fleet(clients, directory, manifest))
    members = clients.iot.list_things_in_thing_group(thingGroupName=unique)["things"]
    list(delete_fleet(clients, directory, manifest))

    assert sorted(members) == manifest.things
    assert _traces(clients, manifest) == {**NOTHING, "groups": [unique]}
    clients.iot.delete_thing_group(thingGroupName=unique)


def test_a_fleet_needs_a_region() -> None:
    class _NoRegion(AwsClients):
        region = None  # type: ignore[assignment]  # a property in the base

    clients = _NoRegion(AwsSettings(access_key_id="k", secret_access_key="s"))

    with pytest.raises(UserMistake, match="no AWS region is set"):
        plan_fleet(clients, things=["a"], groups={})
