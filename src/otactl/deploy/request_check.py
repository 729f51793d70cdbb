"""What of a deployment cannot work in this account, or by a stream; checked at the plan."""

from __future__ import annotations

from otactl.deploy.planned_document import fits_a_stream
from otactl.errors import UserMistake
from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.document_format import DataProtocol
from otactl.model.firmware import Firmware
from otactl.model.thing_list import ThingList
from otactl.wire.stream_payload import MAX_FILE_SIZE


def check_account(
    configuration: DeploymentConfiguration, thing_list: ThingList, account: str
) -> None:
    """Refuse roles and things of another account than the credentials', or of another region.

    Raises:
        UserMistake: There is such a one.
    """
    roles = {"roleArn in [DEFAULT]": configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles["roleArn in [PRESIGNED_URL_CONFIG]"] = configuration.job.presigned_url.role_arn
    for location, role_arn in roles.items():
        role_account = Arn.parse(role_arn).account
        if role_account != account:
            raise UserMistake(
                f"{configuration.file_name}: {location} is a role of account"
                f" {role_account}; the credentials are account {account}'s",
                hint="use --profile, or correct the ARN",
            )
    # One target stands for all: the thing list was checked to be of one account and region.
    for text in (*thing_list.things[:1], *thing_list.groups[:1]):
        arn = Arn.parse(text)
        if (arn.account, arn.region) != (account, configuration.region):
            raise UserMistake(
                f"{thing_list.file_name} names things of account {arn.account} in"
                f" {arn.region}; the deployment is in account {account},"
                f" {configuration.region}",
                hint="a job reaches things of its own account and region only",
            )


def check_size(configuration: DeploymentConfiguration, firmware: Firmware) -> None:
    """Refuse an image that no stream can deliver where devices need a stream.

    Raises:
        UserMistake: It is too large.
    """
    needs_stream = configuration.job.presigned_url is None or (
        configuration.afr_ota is not None and DataProtocol.MQTT in configuration.afr_ota.protocols
    )
    if needs_stream and not fits_a_stream(firmware):
        raise UserMistake(
            f"the image {firmware.path} has {firmware.size_bytes:,} bytes;"
            f" a stream delivers files of up to {MAX_FILE_SIZE:,}",
            hint="usePresignedUrlConfig = True delivers larger ones over HTTPS",
        )
