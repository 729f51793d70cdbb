"""A new table gets its backups as soon as AWS allows that."""

from __future__ import annotations

import json

import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.deploy.test_bulk_reading import Body

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.queue_setup import TableSettings, make_table
from otactl.errors import AwsRefused

KEYS = {"jobStatus": "HASH", "timestamp": "RANGE"}
TABLE = {
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS.items()],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
}
UNAVAILABLE = {
    "__type": "com.amazonaws.dynamodb.v20120810#ContinuousBackupsUnavailableException",
    "message": "Backups are being enabled for the table",
}


def clients_that_refuse(times: int) -> AwsClients:
    """Clients of an AWS that refuses backups so many times."""
    clients = AwsClients(
        AwsSettings(region="us-east-1", access_key_id="AKIA", secret_access_key="secret")
    )
    left = iter(range(times))

    def answer(request, **_):
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        is_refused = operation == "UpdateContinuousBackups" and next(left, None) is not None
        fields = UNAVAILABLE if is_refused else {"Table": TABLE, "TableDescription": TABLE}
        return AWSResponse(request.url, 400 if is_refused else 200, {}, Body(_json(fields)))

    clients.dynamodb.meta.events.register("before-send", answer)
    return clients


def _json(fields) -> bytes:
    return json.dumps(fields).encode()


def test_recovery_is_switched_on_as_soon_as_the_new_table_has_backups() -> None:
    waits: list[float] = []
    settings = TableSettings(name="queue", is_recoverable=True)

    assert make_table(clients_that_refuse(3), settings, sleep=waits.append)

    assert len(waits) == 3


def test_it_is_an_error_if_that_never_happens() -> None:
    settings = TableSettings(name="queue", is_recoverable=True)

    with pytest.raises(AwsRefused, match="Backups are being enabled"):
        make_table(clients_that_refuse(1000), settings, sleep=lambda _: None)
