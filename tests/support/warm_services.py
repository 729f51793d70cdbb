"""Imported last by the fork server of ``warm_program``: what each command would do again.

The descriptions of the AWS services are parsed once, and what is in memory by then is left out of
garbage collection in every fork: walking through it costs each more than all of its own garbage.
"""

from __future__ import annotations

import gc

from otactl.aws.clients import AwsClients, AwsSettings

_SETTINGS = AwsSettings(region="us-east-1", access_key_id="none", secret_access_key="none")

clients = AwsClients(_SETTINGS)
for _client in ("iot", "iot_data", "s3", "sts", "dynamodb", "cloudwatch", "iam"):
    getattr(clients, _client)
gc.collect()
gc.freeze()
