"""Who these credentials are (botocore ``sts`` GetCallerIdentity)."""

from __future__ import annotations

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated


@translated("sts")
def account_of(clients: AwsClients) -> str:
    """The account id of the credentials, twelve digits."""
    return clients.sts.get_caller_identity()["Account"]


@translated("sts")
def identity_of(clients: AwsClients) -> str:
    """The ARN of the identity that these credentials belong to."""
    return clients.sts.get_caller_identity()["Arn"]
