"""The stage of a rehearsal: a local cloud with what an account would have, and devices in it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.groundwork import make_bucket, make_role, make_topics
from otactl.aws.object_store import S3ObjectStore
from otactl.cli.clock import CommandClock
from otactl.cli.fleet_lifecycle import create_fleet, plan_fleet
from otactl.cli.rehearsal.abandoned import work_folder
from otactl.cli.rehearsal.monitoring import deploy_monitoring, prefix_of, topics_of
from otactl.cli.terminal import warn
from otactl.cloud import CloudSettings, start_local_cloud
from otactl.fleet.agent import DevicePlan
from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.runner import FleetRun
from otactl.fleet.store import FleetDirectory
from otactl.model.s3_url import parse_s3_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.cli.load import LoadedDeployment
    from otactl.cli.rehearsal.casting import Cast
    from otactl.device.profile import DeviceProfile
    from otactl.model.configuration import DeploymentConfiguration
    from otactl.model.local_cloud import LocalCloudAddress

#: How long devices may take to connect before the deployment begins regardless.
_CONNECT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudChoice:
    """What kind of local cloud a rehearsal runs in.

    Attributes:
        speed: Of its clock and everything that follows it.
        fault_percent: How many of a hundred calls fail.
        fault_seed: Another seed, other calls.
    """

    speed: float = 1.0
    fault_percent: float = 0.0
    fault_seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that stands when the deployment begins.

    Attributes:
        clients: For looking around; the deployment has its own, whose calls are counted.
        clock: Shows what the local cloud's clock shows.
        work_dir: A folder that goes when the rehearsal does.
    """

    address: LocalCloudAddress
    clients: AwsClients
    clock: CommandClock
    fleet: FleetRun
    work_dir: Path


@contextmanager
def set_stage(
    loaded: LoadedDeployment,
    cast: Cast,
    *,
    cloud: CloudChoice,
    profile: DeviceProfile,
    public_key: ec.EllipticCurvePublicKey | None,
    tell: Callable[[str], None],
) -> Iterator[Stage]:
    """Set up a stage and take it down again, whatever happens in between.

    Args:
        loaded: The deployment.
        cast: Who takes part.
        cloud: What kind of local cloud.
        profile: Of every device.
        public_key: What the devices check signatures with.
        tell: Told what is being done.
    """
    configuration = loaded.configuration
    with ExitStack() as stack:
        work_dir = stack.enter_context(work_folder())
        tell("starting the local cloud")
        settings = CloudSettings(
            account_id=configuration.account,
            region=configuration.region,
            speed=cloud.speed,
            fault_percent=cloud.fault_percent,
            fault_seed=cloud.fault_seed,
        )
        address = stack.enter_context(start_local_cloud(settings)).address
        clients = AwsClients(AwsSettings.for_local_cloud(address))
        clock = CommandClock.of_local_cloud(address)
        _lay_groundwork(clients, configuration)
        _set_up_monitoring(clients, clock, configuration, tell)
        tell(f"registering {len(cast.things):,} things")
        directory = FleetDirectory(work_dir / "fleet")
        manifest = plan_fleet(clients, things=cast.things, groups=cast.groups)
        for _ in create_fleet(clients, directory, manifest):
            pass
        fleet = stack.enter_context(
            FleetRun(
                directory,
                [
                    DevicePlan(thing_name=name, behaviour=behaviour, profile=profile)
                    for name, behaviour in cast.behaviours.items()
                ],
                endpoint=FleetEndpoint.of_local_cloud(address),
                clock=FleetClock.of_local_cloud(address),
                public_key=public_key,
            )
        )
        _await_devices(fleet, clock, tell)
        yield Stage(address=address, clients=clients, clock=clock, fleet=fleet, work_dir=work_dir)


def _lay_groundwork(clients: AwsClients, configuration: DeploymentConfiguration) -> None:
    """Make the bucket, the roles and the topics that the file names."""
    make_bucket(clients, configuration.bucket, configuration.region)
    roles = {configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles.add(configuration.job.presigned_url.role_arn)
    for role_arn in sorted(roles):
        make_role(clients, role_arn, bucket=configuration.bucket, region=configuration.region)
    custom = configuration.custom_document
    if custom is not None and custom.url is not None:
        location = parse_s3_url(custom.url)
        make_bucket(clients, location.bucket, configuration.region)
        S3ObjectStore(clients).put_text(location.bucket, location.key, "{}")
        warn(f"{custom.url} is out of a rehearsal's reach; an empty document stands for it")


def _set_up_monitoring(
    clients: AwsClients,
    clock: CommandClock,
    configuration: DeploymentConfiguration,
    tell: Callable[[str], None],
) -> None:
    """Have the topics that the alarms notify, and behind the stack's own the stack."""
    topics = topics_of(configuration)
    prefix = prefix_of(topics)
    if prefix is not None:
        tell("deploying the monitoring stack, which the alarms notify")
        deploy_monitoring(clients, clock, prefix)
    # CreateTopic gives back a topic that is there already.
    make_topics(clients, topics)


def _await_devices(fleet: FleetRun, clock: CommandClock, tell: Callable[[str], None]) -> None:
    """Wait until every device is connected, so that what is measured is the deployment."""
    waited_until = clock.monotonic_ms() + int(_CONNECT_SECONDS * 1000)
    while True:
        clock.check()
        standing = fleet.standing()
        if standing.is_settled:
            tell(f"{standing.connected:,} devices connected over mutual TLS")
            return
        if clock.monotonic_ms() > waited_until:
            reasons = sorted(set(standing.faults.values()))[:3]
            warn(
                f"only {standing.connected} of {standing.things} devices are connected"
                + (f": {'; '.join(reasons)}" if reasons else "")
            )
            return
        clock.sleep(0.1)
