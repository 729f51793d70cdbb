"""Carries requests out, one after the other, each under its lease."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otactl.cli.queue.attempt import Attempt
from otactl.cli.queue.lease_guard import GuardedClients, Heartbeat, LeasedClock
from otactl.cli.signals import hear_signals

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.aws.clients import AwsSettings
    from otactl.cli.queue.ended import Ended
    from otactl.cli.queue.received import Allowance
    from otactl.cli.queue.session import QueueSession
    from otactl.deploy.planner import PlanOptions
    from otactl.jobqueue.held import HeldRequest
    from otactl.jobqueue.lease_policy import LeasePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSettings:
    """How a worker deploys.

    Attributes:
        poll_seconds: From one look at a running job to the next.
        work_dir: Where it keeps files and journals, a folder for each request it takes.
    """

    policy: LeasePolicy
    allowance: Allowance
    options: PlanOptions
    poll_seconds: float
    work_dir: Path


class Carrier:
    """Carries requests out, one after the other.

    Args:
        session: The queue.
        settings: How.
    """

    def __init__(self, session: QueueSession, settings: WorkSettings) -> None:
        self._session = session
        self._settings = settings
        self._clients: dict[AwsSettings, GuardedClients] = {}

    def carry_out(self, held: HeldRequest, *, fetched: Path | None = None) -> Ended:
        """See a request through.

        Args:
            held: The request.
            fetched: Where its files are already; they are downloaded when left out.
        """
        clock = LeasedClock(held)
        attempt = Attempt(self, held, clock, fetched)
        with (
            Heartbeat(held, self._settings.policy),
            hear_signals(clock, "the request is handed back unless it is over"),
        ):
            ended = attempt.run()
        return replace(ended, stop_signal=clock.stop_signal)

    @property
    def session(self) -> QueueSession:
        """The queue."""
        return self._session

    @property
    def settings(self) -> WorkSettings:
        """How a worker deploys."""
        return self._settings

    def guarded(self, settings: AwsSettings) -> GuardedClients:
        """The clients for a deployment's region and pace."""
        if settings not in self._clients:
            self._clients[settings] = GuardedClients(settings)
        return self._clients[settings]
