"""A fleet of virtual devices in the test's own process, on a local cloud."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.fleet_context import DevicePlan
from otactl.fleet.runner import FleetRun
from otactl.fleet.store import FleetDirectory
from otactl.operations.fleet_provisioning import create_fleet, delete_fleet, plan_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud
    from otactl.device.profile import DeviceProfile


@contextmanager
def running_fleet(
    cloud: RunningCloud,
    clients: AwsClients,
    things: list[str],
    folder: Path,
    *,
    public_key: ec.EllipticCurvePublicKey | None = None,
    profile: DeviceProfile | None = None,
) -> Iterator[FleetRun]:
    """Register things, run them, and remove them again."""
    directory = FleetDirectory(folder)
    manifest = plan_fleet(clients, things=things, groups={})
    list(create_fleet(clients, directory, manifest))
    plans = [
        DevicePlan(thing_name=name, **({} if profile is None else {"profile": profile}))
        for name in things
    ]
    with FleetRun(
        directory,
        plans,
        endpoint=FleetEndpoint.of_local_cloud(cloud.address),
        clock=FleetClock.of_local_cloud(cloud.address),
        public_key=public_key,
    ) as fleet:
        yield fleet
    list(delete_fleet(clients, directory, manifest))
