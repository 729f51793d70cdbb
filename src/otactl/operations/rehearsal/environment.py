"""A rehearsal's environment: a local cloud with the resources of an account, and devices.

If the file's alarms notify the monitoring stack, the rehearsal deploys that stack too, with the
same template and the same Lambda handlers, so the alarms really go off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import ec

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.prerequisites import (
    give_hardware,
    index_things,
    make_alarms,
    make_bucket,
    make_role,
    make_signing_key,
    make_topics,
)
from otactl.aws.signing import AwsSigning
from otactl.cloud import CloudSettings, RunningCloud, start_local_cloud
from otactl.deploy.image_file import measure_image
from otactl.deploy.signing import verifying_key
from otactl.device.profile import DeviceProfile
from otactl.fleet.clock import FleetClock
from otactl.fleet.endpoint import FleetEndpoint
from otactl.fleet.fleet_context import DevicePlan
from otactl.fleet.runner import FleetRun
from otactl.fleet.running_image import version_sources
from otactl.fleet.store import FleetDirectory
from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.document_format import DocumentFormat
from otactl.model.local_cloud import LocalCloudAddress
from otactl.model.s3_url import parse_s3_url
from otactl.operations.clock import CommandClock
from otactl.operations.fleet_provisioning import create_fleet, plan_fleet
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment
from otactl.operations.rehearsal.abandoned import work_folder
from otactl.operations.rehearsal.participants import Participants
from otactl.wire.afr_ota import KEY as AFR_OTA
from otactl.wire.placeholder import has_image_values

#: How long to wait for devices to connect; then the deployment begins anyway.
_CONNECT_SECONDS = 60.0

#: The stack's three topics, by their names in the manual; each may have a prefix.
_STACK_TOPICS = ("email-notification", "sms-notification", "ota-force-stopper")
_STACK_NAME = "otactl-monitor"
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalEnvironment:
    """Everything that exists when the deployment begins.

    Attributes:
        clients: The rehearsal's own; the deployment has others, whose calls are counted.
        clock: Shows the local cloud's time.
        loaded: The deployment, with the local cloud's own key in place of one in AWS.
        cloud, fleet: What runs, each in an event loop of its own.
    """

    address: LocalCloudAddress
    clients: AwsClients
    clock: CommandClock
    loaded: LoadedDeployment
    cloud: RunningCloud
    fleet: FleetRun

    def take_lateness(self) -> float:
        """How late cloud or devices were at the worst since last asked, in the cloud's seconds."""
        late = max(self.cloud.take_lateness() or 0.0, self.fleet.take_lateness())
        return late * self.address.clock_speed


@contextmanager
def rehearsal_environment(
    loaded: LoadedDeployment,
    participants: Participants,
    *,
    settings: CloudSettings,
    profile: DeviceProfile,
    public_key: ec.EllipticCurvePublicKey | None,
    frontend: Frontend,
) -> Iterator[RehearsalEnvironment]:
    """Set up a rehearsal's environment, and remove it when the block ends.

    Devices check signatures with the public key; if None, with the signing key's public key.
    """
    configuration, custom = loaded.configuration, loaded.custom_document
    with ExitStack() as stack:
        work_dir = stack.enter_context(work_folder())
        frontend.note("starting the local cloud")
        running = stack.enter_context(start_local_cloud(settings))
        address = running.address
        clients = AwsClients(AwsSettings.for_local_cloud(address))
        clock = CommandClock.of_local_cloud(address)
        _create_prerequisites(clients, configuration, frontend)
        loaded = _with_signing_key(loaded, clients)
        signing = loaded.configuration.signing
        if public_key is None and signing is not None:
            public_key = verifying_key(signing, AwsSigning(clients, clock))
        _set_up_monitoring(clients, clock, configuration, frontend)
        frontend.note(f"registering {len(participants.things):,} things")
        reads = participants.dialects(_dialects(loaded))
        directory = FleetDirectory(work_dir / "fleet")
        manifest = plan_fleet(clients, things=participants.things, groups=participants.groups)
        sources = version_sources(configuration.version_source)
        shadows = [source.shadow for source in sources]
        for _ in create_fleet(clients, directory, manifest, shadows=shadows):
            pass
        hardware = configuration.eligibility and configuration.eligibility.rule.hardware
        if hardware and configuration.version_source:
            # The things have hardware that the file is for.
            source, value = configuration.version_source, hardware.values[0]
            give_hardware(clients, participants.things, source, value)
        fleet = stack.enter_context(
            FleetRun(
                directory,
                [
                    DevicePlan(
                        thing_name=name,
                        behaviour=behaviour,
                        profile=profile,
                        reads=reads.get(name),
                        factory=participants.factories[name],
                    )
                    for name, behaviour in participants.behaviours.items()
                ],
                endpoint=FleetEndpoint.of_local_cloud(address),
                clock=FleetClock.of_local_cloud(address),
                public_key=public_key,
                # The devices read a custom document by its placeholders.
                template=custom if custom is not None and has_image_values(custom) else None,
                version_sources=sources,
                image_versions=_image_versions(configuration, participants),
            )
        )
        _await_devices(fleet, clock, frontend)
        yield RehearsalEnvironment(
            address=address,
            clients=clients,
            clock=clock,
            loaded=loaded,
            cloud=running,
            fleet=fleet,
        )


def _with_signing_key(loaded: LoadedDeployment, clients: AwsClients) -> LoadedDeployment:
    """The deployment with a local cloud's key, if a key in AWS signs it."""
    configuration = loaded.configuration
    if configuration.signing is None:
        return loaded
    signing = make_signing_key(clients, configuration.signing, configuration.bucket)
    return replace(loaded, configuration=replace(configuration, signing=signing))


def _image_versions(
    configuration: DeploymentConfiguration, participants: Participants
) -> dict[str, str]:
    """The version inside each image, by SHA-256: documents may omit it or name another one."""
    factories = participants.factories.values()
    versions = {image.sha256: image.version for image in factories if image.sha256 is not None}
    if version := configuration.expected_version or configuration.image_version:
        image = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
        versions[image.sha256] = version
    return versions


def _dialects(loaded: LoadedDeployment) -> tuple[DocumentFormat, ...]:
    """The formats of the job document, including a user's own ``afr_ota`` object."""
    formats, custom = loaded.configuration.document_formats, loaded.custom_document or {}
    if has_image_values(custom):
        return ()
    has_own = AFR_OTA in custom and DocumentFormat.AFR_OTA not in formats
    return (*formats, DocumentFormat.AFR_OTA) if has_own else formats


def _create_prerequisites(
    clients: AwsClients, configuration: DeploymentConfiguration, frontend: Frontend
) -> None:
    """Make what the file names: bucket, roles, the gates' alarms; and the fleet index."""
    make_bucket(clients, configuration.bucket, configuration.region)
    roles = {configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles.add(configuration.job.presigned_url.role_arn)
    for role_arn in sorted(roles):
        make_role(clients, role_arn, bucket=configuration.bucket, region=configuration.region)
    if configuration.waves is not None:
        make_alarms(
            clients, {name for wave in configuration.waves.waves for name in wave.rule.alarms}
        )
    source, waves = configuration.version_source, configuration.waves
    if source is not None or (waves is not None and waves.needs_connectivity):
        index_things(clients, source.shadow if source else "")
    custom = configuration.custom_document
    if custom is not None and custom.url is not None:
        location = parse_s3_url(custom.url)
        make_bucket(clients, location.bucket, configuration.region)
        S3ObjectStore(clients).put_text(location.bucket, location.key, "{}")
        frontend.warn(f"{custom.url} is not read in a rehearsal; an empty document replaces it")


def _set_up_monitoring(
    clients: AwsClients,
    clock: CommandClock,
    configuration: DeploymentConfiguration,
    frontend: Frontend,
) -> None:
    """Create the topics that the alarms notify; if these are the stack's, deploy the stack.

    The stack needs the job events, which are switched on with it.
    """
    arns = {arn for alarm in configuration.alarms for arn in alarm.sns_topics}
    topics = sorted(Arn.parse(arn).resource for arn in arns)
    prefixes = (
        topic.removesuffix(name)
        for topic in topics
        for name in _STACK_TOPICS
        if topic.endswith(name)
    )
    prefix = next(prefixes, None)
    if prefix is not None:
        from otactl.aws.event_configuration import enable_events
        from otactl.aws.stack import Stack
        from otactl.aws.stack_template import monitor_template
        from otactl.operations.stack_operation import StackOperation

        frontend.note("deploying the monitoring stack, which the alarms notify")
        stack = Stack(clients, _STACK_NAME)
        operation = StackOperation(
            stack, clock, lambda _event: None, frontend, poll_seconds=_POLL_SECONDS
        )
        given = {"TopicNamePrefix": prefix} if prefix else {}
        operation.execute(operation.prepare(monitor_template(), given, None))
        enable_events(clients)
    # CreateTopic returns a topic that exists already.
    make_topics(clients, topics)


def _await_devices(fleet: FleetRun, clock: CommandClock, frontend: Frontend) -> None:
    """Wait until every device is connected, so that only the deployment is measured."""
    waited_until = clock.monotonic_ms() + int(_CONNECT_SECONDS * 1000)
    while True:
        clock.check()
        status = fleet.progress()
        if status.is_settled:
            frontend.note(f"{status.connected:,} devices connected over mutual TLS")
            return
        if clock.monotonic_ms() > waited_until:
            reasons = sorted(set(status.faults.values()))[:3]
            frontend.warn(
                f"only {status.connected} of {status.things} devices are connected"
                + (f": {'; '.join(reasons)}" if reasons else "")
            )
            return
        clock.sleep(0.1)
