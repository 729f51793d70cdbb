"""Creates the queue's table, or checks the existing one (botocore ``dynamodb``).

The schema is the manual's: ``jobStatus`` (S) is the hash key, ``timestamp`` (S) the range key. In
an existing table only time to live and point-in-time recovery are changed, if requested.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.queue_item import EXPIRES_AT, ORDER_KEY, STATE
from otactl.aws.translate import translated
from otactl.errors import UserMistake

_KEYS = {STATE: "HASH", ORDER_KEY: "RANGE"}
#: Two minutes, as for the table itself.
_BACKUP_TRIES, _BACKUP_PAUSE_SECONDS = 60, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """The settings of the table.

    Attributes:
        capacity_units: Read and write units a second (the manual has 5); None: pay per request.
        expires: Whether finished requests with ``keepDays`` are deleted after that time.
        is_recoverable: Whether the table can be restored to any second of the last 35 days.
    """

    name: str
    capacity_units: int | None = None
    expires: bool = False
    is_recoverable: bool = False


@translated("dynamodb")
def make_table(
    clients: AwsClients, settings: TableSettings, *, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Create the table unless it exists, and enable the requested settings.

    Returns:
        Whether it was created.

    Raises:
        UserMistake: A table of this name exists, with other keys or another time to live.
    """
    dynamodb = clients.dynamodb
    made = True
    try:
        dynamodb.create_table(**_definition(settings))
    except dynamodb.exceptions.ResourceInUseException:
        made = False
    dynamodb.get_waiter("table_exists").wait(
        TableName=settings.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    _check_keys(clients, settings.name)
    if settings.expires and not _expires(clients, settings.name):
        dynamodb.update_time_to_live(
            TableName=settings.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT},
        )
    if settings.is_recoverable:
        _make_recoverable(clients, settings.name, sleep)
    return made


def _make_recoverable(clients: AwsClients, name: str, sleep: Callable[[float], None]) -> None:
    """Enable point-in-time recovery; for a while AWS refuses it for a table that is new."""
    dynamodb = clients.dynamodb
    for tries_left in reversed(range(_BACKUP_TRIES)):
        try:
            dynamodb.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )
        except dynamodb.exceptions.ContinuousBackupsUnavailableException:
            if not tries_left:
                raise
            sleep(_BACKUP_PAUSE_SECONDS)
        else:
            return


def _definition(settings: TableSettings) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "TableName": settings.name,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in _KEYS.items()],
    }
    if settings.capacity_units is None:
        return definition | {"BillingMode": "PAY_PER_REQUEST"}
    units = settings.capacity_units
    return definition | {
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": units, "WriteCapacityUnits": units},
    }


def _check_keys(clients: AwsClients, name: str) -> None:
    table = clients.dynamodb.describe_table(TableName=name)["Table"]
    found = {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]}
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    if found != _KEYS or any(types[key] != "S" for key in _KEYS):
        shown = ", ".join(f"{key} ({kind})" for key, kind in found.items())
        raise UserMistake(
            f"the table {name} exists with the keys {shown};"
            f" the queue needs {STATE} (HASH) and {ORDER_KEY} (RANGE), both texts",
            hint="choose another --table",
        )


def _expires(clients: AwsClients, name: str) -> bool:
    reported = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if reported.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        return False
    if reported.get("AttributeName") != EXPIRES_AT:
        raise UserMistake(
            f"the table {name} lets items expire by {reported.get('AttributeName')},"
            f" not {EXPIRES_AT}",
            hint="switch that off first, or leave out --ttl",
        )
    return True
