"""A deployment's environment: clients, clock, state directory; from a file or from a journal.

``deploy``, ``resume``, ``clean``, ``rehearse`` and the queue's worker all build one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients, AwsSettings, account_of
from otactl.aws.jobs import IotJobs
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.registry import IotRegistry
from otactl.aws.signing import AwsSigning
from otactl.aws.streams import IotStreams
from otactl.aws.thing_states import IotThingStates
from otactl.deploy.decision_file import Decisions
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.ports import Services
from otactl.deploy.step_run import WaitOptions
from otactl.errors import UserMistake
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.model.local_cloud import LocalCloudAddress
from otactl.monitor.polling import PollingWatch
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment
from otactl.operations.location_options import LocationOptions
from otactl.operations.state_directory import state_directory

#: Fields of ``AwsSettings`` for pace and retries, by the journal's names.
_PACE = {
    "maxAttempts": "max_attempts",
    "iotIntervalMs": "iot_interval_ms",
    "uploadConcurrency": "upload_concurrency",
}


def pace_of_file(configuration: DeploymentConfiguration) -> dict[str, Any]:
    """The values of ``AwsSettings`` that a ``dev.ini`` sets, for the whole deployment."""
    return {
        "max_attempts": configuration.max_attempts,
        "iot_interval_ms": configuration.api_sleep_ms,
        "upload_concurrency": configuration.upload_concurrency,
    }


def pace_fields(settings: AwsSettings) -> dict[str, int]:
    """The same as the journal keeps it, so that a later process calls AWS in the same way."""
    return {name: getattr(settings, field) for name, field in _PACE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentEnvironment:
    """The clients, clock, folders and options that a deployment runs with.

    Attributes:
        poll_seconds: Seconds of ``clock`` between two polls of the running job.
        is_rehearsal: Whether the cloud is removed after the deployment.
        releases: Whether another process continues when this one is stopped (the queue's workers).
        local_cloud: The rehearsal's, so that other processes can watch it.
        observer: Is notified in place of the frontend's progress; tests use it to stop at an event.
        frontend: Is notified, handles signals, and answers for the user.
        waiting: How long this process waits at the gates of waves.
        decisions: People's decisions; None for the file beside the journal.
    """

    clients: AwsClients
    clock: CommandClock
    state_dir: Path
    poll_seconds: float = DEFAULT_POLL_SECONDS
    is_rehearsal: bool = False
    releases: bool = False
    local_cloud: LocalCloudAddress | None = None
    observer: Observer | None = None
    frontend: Frontend = field(default_factory=Frontend)
    waiting: WaitOptions = field(default_factory=WaitOptions)
    decisions: Decisions | None = None

    def services(self) -> Services:
        """The AWS implementations of the Protocols of ``deploy``."""
        jobs = IotJobs(self.clients)
        return Services(
            objects=S3ObjectStore(
                self.clients, concurrency=self.clients.settings.upload_concurrency
            ),
            streams=IotStreams(self.clients),
            jobs=jobs,
            registry=IotRegistry(self.clients),
            alarms=CloudWatchAlarms(self.clients),
            watch=PollingWatch(jobs.describe, self.clock, self.poll_seconds),
            clock=self.clock,
            thing_states=IotThingStates(self.clients, self.clock),
            aws_time_ms=lambda: self.clients.aws_time_ms,
            poll_seconds=self.poll_seconds,
        )

    @property
    def signing(self) -> AwsSigning:
        """Signs images in AWS."""
        return AwsSigning(self.clients, self.clock)


def wait_options(
    *, has_waves: bool, leaves: bool, max_wait_seconds: float | None, resumes: bool = False
) -> WaitOptions:
    """How long a process waits at gates, by its options.

    Raises:
        UserMistake: The options are about gates, and the deployment has none.
    """
    if not has_waves and (leaves or (resumes and max_wait_seconds is not None)):
        raise UserMistake(
            f"{'--no-wait' if leaves else '--max-wait'} is about the gates of waves, and this"
            " deployment has none"
        )
    return WaitOptions(leaves=leaves, max_wait_seconds=max_wait_seconds)


def environment_for(
    loaded: LoadedDeployment,
    options: LocationOptions,
    frontend: Frontend,
    *,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    waiting: WaitOptions | None = None,
) -> DeploymentEnvironment:
    """The environment of a new deployment.

    Raises:
        UserMistake: The region of the options differs from the file's.
    """
    configuration = loaded.configuration
    if options.region is not None and options.region != configuration.region:
        raise UserMistake(
            f"--region {options.region} contradicts region = {configuration.region} in"
            f" {configuration.file_name}",
            hint="the thing list's ARNs belong to one region: change the file",
        )
    settings = AwsSettings(
        profile=options.profile,
        region=configuration.region,
        endpoint_url=options.endpoint_url,
        **pace_of_file(configuration),
    )
    return _environment(settings, options, frontend, poll_seconds, waiting)


def environment_of(
    journal: Journal,
    options: LocationOptions,
    frontend: Frontend,
    *,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    waiting: WaitOptions | None = None,
) -> DeploymentEnvironment:
    """The environment of a stored deployment; options override its journal.

    Raises:
        UserMistake: The credentials belong to another account.
    """
    about, plan = journal.about, journal.plan
    pace: dict[str, Any] = {
        field: int(about[name]) for name, field in _PACE.items() if name in about
    }
    settings = AwsSettings(
        profile=options.profile or about.get("profile"),
        region=plan.region,
        endpoint_url=options.endpoint_url or about.get("endpointUrl"),
        **pace,
    )
    environment = _environment(settings, options, frontend, poll_seconds, waiting)
    account = account_of(environment.clients)
    if account != plan.account:
        raise UserMistake(
            f"deployment {plan.deployment_id} is in account {plan.account};"
            f" these credentials are account {account}'s",
            hint="use the --profile it was begun with",
        )
    return environment


def _environment(
    settings: AwsSettings,
    options: LocationOptions,
    frontend: Frontend,
    poll_seconds: float,
    waiting: WaitOptions | None,
) -> DeploymentEnvironment:
    return DeploymentEnvironment(
        clients=AwsClients(settings),
        clock=CommandClock(),
        state_dir=state_directory(options.state_dir),
        poll_seconds=poll_seconds,
        frontend=frontend,
        waiting=waiting or WaitOptions(),
    )
