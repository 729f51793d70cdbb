"""Runs a live check, from its record to its report, and removes everything it created."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from otactl.aws.call_budget import Budget, BudgetedCounter
from otactl.aws.clients import AwsClients, AwsSettings, account_of
from otactl.errors import Interrupted, OtactlError, UserMistake
from otactl.fleet import FleetDirectory
from otactl.model.diagnosis import Observation
from otactl.model.json_output import account
from otactl.model.json_output.shaping import shaped
from otactl.operations.clock import CommandClock
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.fleet_address import BrokerOptions, FleetAddress, resolve_address
from otactl.operations.fleet_provisioning import create_fleet, plan_fleet
from otactl.operations.frontend import Frontend
from otactl.operations.live_check.delivery import Delivery, deliver
from otactl.operations.live_check.questions import ask
from otactl.operations.live_check.record import (
    MOST_JOBS,
    LiveRecord,
    folders_of,
    read_record,
    write_record,
)
from otactl.operations.live_check.removal import remove
from otactl.operations.live_check.session import LiveSession
from otactl.operations.load import LoadedDeployment
from otactl.operations.location_options import LocationOptions
from otactl.operations.state_directory import state_directory

#: For one run; removing what an earlier run left has the same budget again.
BUDGET = Budget(
    calls=150,
    reserved_calls=60,
    seconds=300,
    reserved_seconds=60,
    created={"iot:CreateThing": 1, "iot:CreateJob": MOST_JOBS},
)
_MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport:
    """The result of a live check.

    Attributes:
        failure: Why it ended early; empty if it did not.
        calls: Number of requests, by operation.
        left: What could not be removed, each with the reason; the next run tries again.
        private: Account and bucket; the JSON report replaces them in AWS's messages.
    """

    region: str
    deliveries: tuple[Delivery, ...]
    observations: tuple[Observation, ...]
    failure: str
    calls: Mapping[str, int]
    seconds: float
    left: tuple[str, ...]
    private: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Whether every image arrived and nothing is left."""
        arrived = all(delivery.is_verified for delivery in self.deliveries)
        return bool(self.deliveries) and arrived and not self.left and not self.failure

    def to_fields(self) -> account.LiveCheck:
        """The report as ``--output json`` shows it, without account and bucket."""
        return shaped(
            account.LiveCheck,
            self,
            deliveries=[
                shaped(account.Delivery, one, detail=self._public(one.detail))
                for one in self.deliveries
            ],
            observations=[
                shaped(account.Observation, one, observed=self._public(one.observed))
                for one in self.observations
            ],
            failure=self._public(self.failure) or None,
            left=[self._public(each) for each in self.left],
        )

    def _public(self, text: str) -> str:
        for name, value in self.private.items():
            text = text.replace(value, name)
        return text


def run_live(
    loaded: LoadedDeployment,
    where: LocationOptions,
    broker: BrokerOptions,
    frontend: Frontend,
    *,
    calls: BudgetedCounter | None = None,
) -> LiveReport:
    """Deliver two images both ways to one virtual thing, ask the questions, remove everything.

    Args:
        loaded: Its bucket, roles and region are used; its job, image and things are not.
        where: Where to work.
        broker: Where the thing connects.
        frontend: Is notified, and handles signals.
        calls: Counts and limits the requests; None for a new one of ``BUDGET``.

    Raises:
        UserMistake: The credentials belong to another account.
    """
    configuration, counter = loaded.configuration, calls or BudgetedCounter(BUDGET)
    clients = _clients(where, configuration.region, counter)
    account = account_of(clients)
    if account != configuration.account:
        raise UserMistake(
            f"{configuration.file_name} is of account {configuration.account}, the credentials"
            f" are {account}'s"
        )
    state_dir = state_directory(where.state_dir)
    record = LiveRecord(
        run_id=uuid.uuid4().hex[:12],
        account=account,
        region=configuration.region,
        bucket=configuration.bucket,
        endpoint_url=where.endpoint_url,
    )
    _remove_abandoned(state_dir, record, where, frontend)
    folder = state_dir / "live" / record.run_id
    write_record(folder, record)
    clock = CommandClock()
    environment = DeploymentEnvironment(clients=clients, clock=clock, state_dir=folder)
    services = environment.services()
    deliveries: tuple[Delivery, ...] = ()
    observations: list[Observation] = []
    failure = ""
    with FleetDirectory(folder).held(), frontend.handle_signals(clock, "everything is removed"):
        try:
            session = LiveSession(
                clients=clients,
                calls=counter,
                services=services,
                clock=clock,
                folder=folder,
                fleet=FleetDirectory(folder / "fleet"),
                record=record,
                configuration=configuration,
                broker=_create_thing(clients, folder, record, where, broker),
            )
            frontend.note("delivering two images, each by stream and by URL")
            deliveries = deliver(session)
            frontend.note("testing what AWS's documentation leaves open")
            observations.extend(ask(session))
        except Interrupted:
            raise
        except OtactlError as error:
            failure = str(error)
        finally:
            clock.shield()
            counter.open_reserve()
            frontend.note("removing everything")
            left = remove(clients, services, folder, record)
            if left:
                frontend.warn(f"not removed: {'; '.join(left)}; the next run tries again")
    return LiveReport(
        region=configuration.region,
        deliveries=deliveries,
        observations=tuple(observations),
        failure=failure,
        calls=counter.snapshot(),
        seconds=counter.seconds_spent,
        left=left,
        private={"ACCOUNT": account, "BUCKET": record.bucket},
    )


def _clients(where: LocationOptions, region: str, calls: BudgetedCounter) -> AwsClients:
    settings = AwsSettings(
        profile=where.profile,
        region=region,
        endpoint_url=where.endpoint_url,
        max_attempts=_MAX_ATTEMPTS,
    )
    return AwsClients(settings, calls)


def _create_thing(
    clients: AwsClients,
    folder: Path,
    record: LiveRecord,
    where: LocationOptions,
    broker: BrokerOptions,
) -> FleetAddress:
    """Create the thing, its certificate and its policy, as a fleet's; returns its broker."""
    directory = FleetDirectory(folder / "fleet")
    manifest = plan_fleet(clients, things=[record.name], groups={})
    for _ in create_fleet(clients, directory, manifest):
        pass
    return resolve_address(
        broker, manifest, state_dir=where.state_dir, make_clients=lambda: clients
    )


def _remove_abandoned(
    state_dir: Path, record: LiveRecord, where: LocationOptions, frontend: Frontend
) -> None:
    """Remove what killed runs left; each has a budget of its own."""
    for folder in folders_of(state_dir):
        try:
            found = read_record(folder)
            if found.location != record.location:
                frontend.warn(
                    f"{folder}: a run in account {found.account}, {found.region}, left something;"
                    " `otactl doctor FILE --live` there removes it"
                )
                continue
            with FleetDirectory(folder).held():
                calls = BudgetedCounter(BUDGET)
                calls.open_reserve()
                clients = _clients(where, record.region, calls)
                environment = DeploymentEnvironment(
                    clients=clients, clock=CommandClock(), state_dir=folder
                )
                left = remove(clients, environment.services(), folder, found)
        except UserMistake as error:
            frontend.warn(str(error))
            continue
        if left:
            frontend.warn(f"{folder}: still there: {'; '.join(left)}")
        else:
            frontend.note(f"removed what run {found.run_id} left, which was killed")
