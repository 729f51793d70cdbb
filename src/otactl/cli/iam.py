"""``otactl iam``: the IAM policies a deployment needs, ready to paste."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.errors import UserMistake

if TYPE_CHECKING:
    from otactl.operations.load import LoadedDeployment


class PolicyName(StrEnum):
    """The names of the policy documents."""

    USER = "user"
    STREAM_ROLE = "stream-role"
    PRESIGN_ROLE = "presign-role"
    TRUST = "trust"


def iam(
    file: options.Configuration,
    only: Annotated[
        PolicyName | None, typer.Option(help="Print only one document, for `aws iam … file://`.")
    ] = None,
    any_image: Annotated[
        bool,
        typer.Option("--any-image", help="Allow every image of the bucket, not only this one."),
    ] = False,
) -> None:
    """Print the IAM policies that deploying FILE needs, and nothing more than it needs.

    `user` is for the identity that runs otactl, `stream-role` for roleArn in [DEFAULT],
    `presign-role` for roleArn in [PRESIGNED_URL_CONFIG]; both roles trust AWS IoT by `trust`.
    """
    from otactl.operations.load import load_deployment

    documents = _documents(load_deployment(file), any_image=any_image)
    if only is not None and documents[only.value] is None:
        raise UserMistake(
            f"{file} needs no {only.value}: usePresignedUrlConfig in [DEFAULT] is not True"
        )
    terminal.print_json(
        documents if only is None else documents[only.value], is_for_people=True, is_foreign=True
    )


def _documents(loaded: LoadedDeployment, *, any_image: bool) -> dict[str, Any]:
    from otactl.deploy.image_file import measure_image
    from otactl.deploy.permissions import (
        DeploymentNames,
        firmware_reader_policy,
        iot_trust_policy,
        user_policy,
    )
    from otactl.deploy.planned_document import stream_id_of

    configuration = loaded.configuration
    object_key, stream_id = "firmware/*", f"{configuration.stream_id}_*"
    if not any_image:
        firmware = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
        object_key, stream_id = firmware.object_key, stream_id_of(configuration, firmware)
    names = DeploymentNames(
        account=configuration.account, object_key=object_key, stream_id=stream_id
    )
    reader = firmware_reader_policy(configuration.bucket, object_key, region=configuration.region)
    return {
        PolicyName.USER.value: user_policy(configuration, loaded.thing_list, names),
        PolicyName.STREAM_ROLE.value: reader,
        PolicyName.PRESIGN_ROLE.value: reader if configuration.job.presigned_url else None,
        PolicyName.TRUST.value: iot_trust_policy(configuration.account, configuration.region),
    }
