"""Checks whether an account is ready for a deployment; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from otactl.aws.account_check import check_account
from otactl.aws.clients import AwsClients, AwsSettings, identity_of
from otactl.aws.deployment_check import check_deployment
from otactl.aws.machine_time import wall_ms
from otactl.deploy.image_file import measure_image
from otactl.deploy.permissions import DeploymentNames, firmware_reader_policy, user_policy
from otactl.deploy.planned_document import stream_id_of
from otactl.model.arn import Arn
from otactl.model.diagnosis import Diagnosis
from otactl.operations.load import LoadedDeployment
from otactl.operations.location_options import LocationOptions


def examine_account(
    loaded: LoadedDeployment | None, options: LocationOptions
) -> Iterator[Diagnosis]:
    """Every finding about the account, and about what a file names if one is given.

    Raises:
        UserMistake: No credentials or no region are set.
    """
    region = options.region if loaded is None else loaded.configuration.region
    clients = AwsClients(
        AwsSettings(profile=options.profile, region=region, endpoint_url=options.endpoint_url)
    )
    clients.require_region()
    # Fails without credentials, before any other check.
    identity = identity_of(clients)
    rollout = None if loaded is None else loaded.configuration.job.rollout
    wanted = None if rollout is None else rollout.maximum_per_minute
    yield from check_account(clients, identity, wall_ms(), wanted)
    if loaded is None:
        return
    configuration = loaded.configuration
    firmware = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
    names = DeploymentNames(
        account=Arn.parse(identity).account,
        object_key=firmware.object_key,
        stream_id=stream_id_of(configuration, firmware),
    )
    yield from check_deployment(
        clients,
        configuration,
        identity=identity,
        user_policy=user_policy(configuration, loaded.thing_list, names),
        reader_policy=firmware_reader_policy(
            configuration.bucket, names.object_key, region=configuration.region
        ),
    )
