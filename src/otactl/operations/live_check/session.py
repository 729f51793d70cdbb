"""What the parts of a live check share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from otactl.aws.call_budget import BudgetedCounter
from otactl.aws.clients import AwsClients
from otactl.deploy.ownership import describe_ours
from otactl.deploy.ports import CreateJobRequest, Services
from otactl.fleet import FleetDirectory
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.job_configuration import JobConfiguration, PresignedUrl
from otactl.operations.clock import CommandClock
from otactl.operations.fleet_address import FleetAddress
from otactl.operations.live_check.record import LiveRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSession:
    """A running live check.

    Attributes:
        clients: They count their requests in ``calls``.
        services: The same account, behind the Protocols of ``deploy``.
        folder: The record's folder.
        configuration: The user's file: bucket, roles, region.
        broker: Where the thing connects.
    """

    clients: AwsClients
    calls: BudgetedCounter
    services: Services
    clock: CommandClock
    folder: Path
    fleet: FleetDirectory
    record: LiveRecord
    configuration: DeploymentConfiguration
    broker: FleetAddress

    def job(self, number: int, document: str, policy: JobConfiguration) -> CreateJobRequest:
        """The CreateJob request of a job for the thing alone."""
        return CreateJobRequest(
            job_id=self.record.job_ids[number],
            targets=(self.record.thing_arn,),
            document=document,
            description=describe_ours(self.record.run_id, "(otactl doctor --live)"),
            configuration=policy,
        )

    @property
    def presigned_url(self) -> PresignedUrl:
        """The file's presigned URL settings, or else ones with the stream's role."""
        return self.configuration.job.presigned_url or PresignedUrl(
            role_arn=self.configuration.role_arn
        )
