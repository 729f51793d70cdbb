"""Creates and deletes a fleet: its things in AWS (``aws``), its keys on disk (``fleet``).

``otactl fleet`` and ``otactl rehearse`` both use these functions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from otactl.aws.clients import AwsClients, account_of
from otactl.aws.machine_time import wall_ms
from otactl.aws.provisioning import ThingProvisioner
from otactl.fleet.credentials import certificate_request, public_key
from otactl.fleet.store import FleetDirectory, FleetManifest
from otactl.model.arn import partition_of

#: The cloud dates certificates in whole seconds, and clocks differ a little.
_CLOCK_SLACK_MS = 120_000


def plan_fleet(
    clients: AwsClients,
    *,
    things: Sequence[str],
    groups: Mapping[str, Sequence[str]],
) -> FleetManifest:
    """The manifest of a new fleet; nothing is created.

    Raises:
        UserMistake: No region is set.
    """
    fleet_id = uuid.uuid4().hex[:12]
    return FleetManifest(
        fleet_id=fleet_id,
        policy_name=f"otactl-fleet-{fleet_id}",
        groups={name: list(members) for name, members in groups.items()},
        things=list(things),
        created_at_ms=wall_ms(),
        region=clients.require_region(),
        endpoint_url=clients.settings.endpoint_url,
    )


def create_fleet(
    clients: AwsClients,
    directory: FleetDirectory,
    manifest: FleetManifest,
    *,
    shadows: Sequence[str] = (),
) -> Iterator[str]:
    """Create a fleet, or what is missing of it; yields each thing's name when it is complete.

    The manifest is written first, so that ``delete_fleet`` finds everything. Things may write
    these named shadows beside the classic one and ``$package``.
    """
    directory.write(manifest)
    provisioner = _provisioner(clients, manifest)
    provisioner.create_policy(
        partition=partition_of(manifest.region),
        region=manifest.region,
        account=account_of(clients),
        shadows=shadows,
    )
    for group_name in manifest.groups:
        provisioner.create_group(group_name)
    groups_of: dict[str, list[str]] = {}
    for group_name, members in manifest.groups.items():
        for thing_name in members:
            groups_of.setdefault(thing_name, []).append(group_name)
    yield from provisioner.create_things(
        manifest.things,
        groups_of=lambda thing_name: groups_of.get(thing_name, ()),
        known_certificate=directory.certificate_arn,
        make_request=lambda name: certificate_request(name, directory.files_of(name)),
        keep=lambda name, signed: directory.keep_certificate(name, arn=signed.arn, pem=signed.pem),
    )


def delete_fleet(
    clients: AwsClients, directory: FleetDirectory, manifest: FleetManifest
) -> Iterator[str]:
    """Delete a fleet, in AWS and then on disk; yields each thing's name when it is deleted."""
    provisioner = _provisioner(clients, manifest)
    yield from provisioner.delete_things(
        manifest.things, known_certificate=directory.certificate_arn
    )
    provisioner.delete_groups(manifest.groups)
    provisioner.delete_policy()
    # The public keys of things with a key but without a known certificate.
    keys = (
        public_key(directory.files_of(name))
        for name in manifest.things
        if directory.certificate_arn(name) is None
    )
    uncertified = frozenset(key for key in keys if key is not None)
    if uncertified:
        since_ms = manifest.created_at_ms - _CLOCK_SLACK_MS
        provisioner.delete_stray_certificates(uncertified, since_ms)
    directory.remove()


def _provisioner(clients: AwsClients, manifest: FleetManifest) -> ThingProvisioner:
    return ThingProvisioner(clients, fleet_id=manifest.fleet_id, policy_name=manifest.policy_name)
