"""IoT Jobs and alarms for a command that runs for long: its credentials can be renewed on the way.

Signing in again in another terminal changes files that a session has read already. So after
a refusal a new session is made, and what was counted stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients
from otactl.aws.jobs import IotJobs
from otactl.model.outcome import ExecutionPage, ThingOutcome
from otactl.model.progress import AlarmProgress
from otactl.model.snapshot import JobDescription
from otactl.model.status import ExecutionStatus


class RenewableReader:
    """Looks at jobs and alarms (``monitor.ports.JobReader``, ``AlarmReader``).

    Args:
        clients: The clients to begin with.
    """

    def __init__(self, clients: AwsClients) -> None:
        self.clients = clients
        self.jobs = IotJobs(clients)
        self._alarms = CloudWatchAlarms(clients)

    def renew(self) -> None:
        """Read the credentials anew."""
        self.clients = AwsClients(self.clients.settings, self.clients.calls)
        self.jobs = IotJobs(self.clients)
        self._alarms = CloudWatchAlarms(self.clients)

    def describe(self, job_id: str) -> JobDescription | None:
        """The job, or None when there is none."""
        return self.jobs.describe(job_id)

    def page(self, job_id: str, status: ExecutionStatus | None, token: str | None) -> ExecutionPage:
        """Up to 250 executions, without status details."""
        return self.jobs.page(job_id, status, token)

    def execution(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """The last execution on a thing, with its status details."""
        return self.jobs.execution(job_id, thing_name)

    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm."""
        return self._alarms.states(names)
