"""An account to run contract tests in: the local cloud's, or a real one with a budget.

A real one is whatever the AWS configuration of this shell says. Everything a test makes there is
named by ``name``; at the end it is looked up by that prefix, removed, and looked up again.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from otactl.aws.call_budget import Budget, BudgetedCounter
from otactl.aws.clients import AwsClients, AwsSettings, account_of
from otactl.errors import CredentialsUnusable

#: For one run of ``pytest -m aws``.
MOST_CALLS = int(os.environ.get("OTACTL_TEST_CALLS", "400"))
_RESERVED_CALLS = 150
_MOST_CREATED = {
    "iot:CreateThing": 12,
    "iot:CreateThingGroup": 4,
    "iot:CreateJob": 4,
    "iot:CreateStream": 4,
    "cloudwatch:PutMetricAlarm": 4,
}
#: How long AWS may take to delete jobs.
_DELETION_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyAccount:
    """Where a test works.

    Attributes:
        bucket: One that exists; a test's keys begin with ``prefix``.
        role_arn: AWS IoT reads the bucket by it.
        prefix: How everything is named that a test makes.
    """

    clients: AwsClients
    account_id: str
    region: str
    bucket: str
    role_arn: str
    prefix: str

    def thing_arn(self, name: str) -> str:
        return f"arn:aws:iot:{self.region}:{self.account_id}:thing/{name}"


def open_real_account(report: Callable[[str], None]) -> Iterator[AnyAccount]:
    """The account of this shell's AWS configuration; what is left in it at the end is removed.

    Args:
        report: Is given a line on what it took.
    """
    names = ("OTACTL_TEST_BUCKET", "OTACTL_TEST_ROLE_ARN")
    bucket, role_arn = (os.environ.get(name, "") for name in names)
    if not (bucket and role_arn):
        pytest.skip(f"needs an account: set {' and '.join(names)} (see CONTRIBUTING.md)")
    budget = Budget(
        calls=MOST_CALLS + _RESERVED_CALLS,
        reserved_calls=_RESERVED_CALLS,
        seconds=900,
        reserved_seconds=180,
        created=_MOST_CREATED,
    )
    counter = BudgetedCounter(budget)
    settings = AwsSettings(endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
    clients = AwsClients(settings, counter)
    try:
        account_id = account_of(clients)
    except CredentialsUnusable as error:
        pytest.skip(f"needs an account: {error}")
    account = AnyAccount(
        clients=clients,
        account_id=account_id,
        region=clients.region or "",
        bucket=bucket,
        role_arn=role_arn,
        prefix=f"otactl-test-{uuid.uuid4().hex[:8]}",
    )
    yield account
    counter.open_reserve()
    left = _removed(account)
    report(f"{sum(counter.snapshot().values())} API calls; tests left and now removed: {left}")
    until = time.monotonic() + _DELETION_SECONDS
    while still := _found(account):
        assert time.monotonic() < until, f"not removed: {still}"
        time.sleep(1)


def _found(account: AnyAccount) -> list[str]:
    """What there is by the prefix, as ``kind/name``; page by page, and newest first for jobs."""
    iot, prefix = account.clients.iot, account.prefix
    objects = [
        account.clients.s3.list_object_versions(Bucket=account.bucket, Prefix=start)
        for start in (prefix, f"claims/{prefix}")
    ]
    jobs = [each["jobId"] for page in _pages(iot, "list_jobs") for each in page["jobs"]]
    streams = [each["streamId"] for page in _pages(iot, "list_streams") for each in page["streams"]]
    things = [each["thingName"] for page in _pages(iot, "list_things") for each in page["things"]]
    groups = iot.list_thing_groups(namePrefixFilter=prefix)["thingGroups"]
    alarms = account.clients.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    versions = [
        version
        for page in objects
        for version in page.get("Versions", []) + page.get("DeleteMarkers", [])
    ]
    return [
        *(f"job/{name}" for name in jobs if name.startswith(prefix)),
        *(f"stream/{name}" for name in streams if name.startswith(prefix)),
        *(f"group/{each['groupName']}" for each in groups),
        *(f"thing/{name}" for name in things if name.startswith(prefix)),
        *(f"alarm/{each['AlarmName']}" for each in alarms),
        *(f"object/{each['Key']}@{each['VersionId']}" for each in versions),
    ]


def _pages(iot, operation: str):
    return iot.get_paginator(operation).paginate(PaginationConfig={"PageSize": 250})


def _removed(account: AnyAccount) -> list[str]:
    """Remove what is found; returns what it was."""
    iot, s3 = account.clients.iot, account.clients.s3
    found = _found(account)
    for each in found:
        kind, _, name = each.partition("/")
        match kind:
            case "job":
                if iot.describe_job(jobId=name)["job"]["status"] != "DELETION_IN_PROGRESS":
                    iot.delete_job(jobId=name, force=True)
            case "stream":
                iot.delete_stream(streamId=name)
            case "group":
                iot.delete_thing_group(thingGroupName=name)
            case "thing":
                for principal in iot.list_thing_principals(thingName=name)["principals"]:
                    iot.detach_thing_principal(thingName=name, principal=principal)
                iot.delete_thing(thingName=name)
            case "alarm":
                account.clients.cloudwatch.delete_alarms(AlarmNames=[name])
            case "object":
                key, _, version = name.rpartition("@")
                s3.delete_object(Bucket=account.bucket, Key=key, VersionId=version)
    return found
