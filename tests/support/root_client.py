"""A caller that no key of the local cloud is given out for: root of any account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from otactl.cloud.guard import send_cloud_secret

if TYPE_CHECKING:
    from otactl.cloud import RunningCloud


def root_client(cloud: RunningCloud, service: str, account_id: str) -> Any:
    """A boto3 client as root of an account, by the cloud's secret."""
    client = boto3.client(
        service,  # type: ignore[call-overload]  # any service, by its name
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=account_id,
        aws_secret_access_key="unchecked",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    send_cloud_secret(client, cloud.address.cloud_secret)
    return client
