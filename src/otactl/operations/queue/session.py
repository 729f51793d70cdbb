"""The composition root of the queue's commands: the table, its files, and the requests' targets.

Workers on several machines need one time for leases. A machine uses its own clock if it differs
from AWS's (the Date of the last answer, plus the time since) by at most half a minute, otherwise
AWS's: with a wrong clock it would treat a valid lease as expired, or wait an hour for a gate. A
local cloud's clock may run fast, so there the machine's own clock is always used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from otactl.aws.clients import AwsClients, AwsSettings, account_of
from otactl.aws.jobs import IotJobs
from otactl.aws.machine_time import wall_ms
from otactl.aws.queue_decisions import QueueDecisions
from otactl.aws.queue_table import DynamoRequestTable
from otactl.aws.registry import IotRegistry
from otactl.aws.release_store import ReleaseStore
from otactl.aws.target_reader import StoredTargetReader
from otactl.deploy.ports import Jobs, Registry
from otactl.errors import UserMistake
from otactl.jobqueue.lease_policy import CLOCK_SKEW_MS
from otactl.jobqueue.order import order_keys_of
from otactl.jobqueue.ports import RequestTable
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.model.arn import is_region
from otactl.model.quoting import quoted

#: By botocore ``dynamodb`` TableName.
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}", re.ASCII)


@dataclass(frozen=True)
class QueueSession:
    """One queue, with its table, files and clients.

    Attributes:
        table_name: The DynamoDB table.
        profile: The profile of the AWS configuration.
        region: The queue's; deployments may be in another one.
        endpoint_url: The endpoint of all AWS services, a local cloud's; None for AWS.
    """

    table_name: str
    profile: str | None
    region: str | None
    endpoint_url: str | None

    def __post_init__(self) -> None:
        """Refuse invalid names of tables and regions.

        Raises:
            UserMistake: A name is invalid.
        """
        if _TABLE_NAME.fullmatch(self.table_name) is None:
            raise UserMistake(
                f"--table {quoted(self.table_name)} is not a table name",
                hint="3 to 255 letters, digits, `_`, `-` and `.`",
            )
        if self.region is not None and not is_region(self.region):
            raise UserMistake(f"--region {quoted(self.region)} is no AWS region")

    @cached_property
    def clients(self) -> AwsClients:
        """The clients of the queue's region."""
        return self.clients_in(self.region)

    def clients_in(self, region: str | None) -> AwsClients:
        """New clients for a region, with the same credentials."""
        return AwsClients(
            AwsSettings(profile=self.profile, region=region, endpoint_url=self.endpoint_url)
        )

    def jobs_and_groups(self, region: str) -> tuple[Jobs, Registry]:
        """Jobs and thing groups of a region, to close jobs that were left open there."""
        clients = self.clients_in(region)
        return IotJobs(clients), IotRegistry(clients)

    @cached_property
    def now_ms(self) -> Callable[[], int]:
        """The clock of leases, epoch milliseconds."""
        if self.endpoint_url is not None:
            return wall_ms
        return queue_time(wall_ms, self.clients.aws_now_ms)

    @cached_property
    def account(self) -> str:
        """The account of the credentials."""
        return account_of(self.clients)

    @cached_property
    def table(self) -> RequestTable:
        """The queue."""
        return DynamoRequestTable(self.clients, self.table_name)

    @cached_property
    def store(self) -> ReleaseStore:
        """The files of its requests."""
        return ReleaseStore(self.clients, self.account)

    @cached_property
    def targets(self) -> StoredTargetReader:
        """Reads the targets of its requests."""
        return StoredTargetReader(self.store, self.clients_in)

    def decisions(self, request: JobRequest) -> QueueDecisions:
        """People's decisions about the deployment of a request, in its present run."""
        return QueueDecisions(self.clients, self.table_name, request.deployment_id)

    def request(self, job_id: str) -> JobRequest:
        """The request with an id.

        Raises:
            UserMistake: It does not exist, or is malformed.
        """
        found = self.find(job_id)
        if isinstance(found, MalformedRequest):
            raise UserMistake(
                f"{job_id} cannot be used: {found.reason}",
                hint="`aws dynamodb get-item` shows it as it is",
            )
        return found

    def find(self, job_id: str) -> JobRequest | MalformedRequest:
        """The request with an id, even if it is malformed.

        Raises:
            UserMistake: It does not exist.
        """
        found = self.table.find(order_keys_of(job_id))
        exact = [each for each in found if _id_of(each) in (job_id, None)]
        return exact[0] if exact else self._searched(job_id)

    def _searched(self, job_id: str) -> JobRequest | MalformedRequest:
        """Search the whole table: another tool may use ids of a different form."""
        for state in RequestState:
            for found in self.table.listed(state):
                if _id_of(found) == job_id or found.order_key == job_id:
                    return found
        raise UserMistake(
            f"there is no request {job_id} in {self.table_name}",
            hint="`otactl queue list` lists them",
        )


def _id_of(found: JobRequest | MalformedRequest) -> str | None:
    return found.job_id if isinstance(found, JobRequest) else None


def queue_time(
    own_ms: Callable[[], int], aws_now_ms: Callable[[], int | None]
) -> Callable[[], int]:
    """The clock to use, epoch milliseconds; AWS's time is None before its first answer."""

    def now_ms() -> int:
        own, aws = own_ms(), aws_now_ms()
        return own if aws is None or abs(aws - own) <= CLOCK_SKEW_MS else aws

    return now_ms
