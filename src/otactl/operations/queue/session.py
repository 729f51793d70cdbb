"""The composition root of the queue's commands: the table, its files, and whom requests are for.

Workers on several machines agree on leases by one time. Machines whose clocks differ by no more
than half a minute use their own. One whose clock is further from AWS's (the Date of its last
answer, counted on) uses AWS's: it would take a lease for over that is not, or wait an hour for a
gate. A local cloud's clock may be a fast one, so there the machine's own always counts.
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
    """What a command does with one queue.

    Attributes:
        table_name: The DynamoDB table.
        profile: The profile of the AWS configuration.
        region: The queue's; deployments may be in another one.
        endpoint_url: Where all of AWS is to be found, a local cloud's.
    """

    table_name: str
    profile: str | None
    region: str | None
    endpoint_url: str | None

    def __post_init__(self) -> None:
        """Refuse names that no table and no region can have.

        Raises:
            UserMistake: One has.
        """
        if _TABLE_NAME.fullmatch(self.table_name) is None:
            raise UserMistake(
                f"--table {quoted(self.table_name)} is no name of a table",
                hint="3 to 255 letters, digits, `_`, `-` and `.`",
            )
        if self.region is not None and not is_region(self.region):
            raise UserMistake(f"--region {quoted(self.region)} is no AWS region")

    @cached_property
    def clients(self) -> AwsClients:
        """The clients of the queue's region."""
        return self.clients_in(self.region)

    def clients_in(self, region: str | None) -> AwsClients:
        """New clients for a region, with the same rights."""
        return AwsClients(
            AwsSettings(profile=self.profile, region=region, endpoint_url=self.endpoint_url)
        )

    def jobs_and_groups(self, region: str) -> tuple[Jobs, Registry]:
        """Jobs and thing groups of a region, to close what is left open there."""
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
        """Knows whom its requests are for."""
        return StoredTargetReader(self.store, self.clients_in)

    def decisions(self, request: JobRequest) -> QueueDecisions:
        """What people decided about the deployment of a request, in its present run."""
        return QueueDecisions(self.clients, self.table_name, request.deployment_id)

    def request(self, job_id: str) -> JobRequest:
        """The request of an id.

        Raises:
            UserMistake: There is none, or what is there is none.
        """
        found = self.find(job_id)
        if isinstance(found, MalformedRequest):
            raise UserMistake(
                f"{job_id} cannot be used: {found.reason}",
                hint="`aws dynamodb get-item` shows it as it is",
            )
        return found

    def find(self, job_id: str) -> JobRequest | MalformedRequest:
        """What the table has of an id.

        Raises:
            UserMistake: Nothing.
        """
        found = self.table.find(order_keys_of(job_id))
        exact = [each for each in found if _id_of(each) in (job_id, None)]
        return exact[0] if exact else self._searched(job_id)

    def _searched(self, job_id: str) -> JobRequest | MalformedRequest:
        """Look through the whole table: another tool may have made ids of its own."""
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
    """A clock, epoch milliseconds; AWS's is None before its first answer."""

    def now_ms() -> int:
        own, aws = own_ms(), aws_now_ms()
        return own if aws is None or abs(aws - own) <= CLOCK_SKEW_MS else aws

    return now_ms
