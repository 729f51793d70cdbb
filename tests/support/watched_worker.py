"""A worker of the queue in this process that names every instant, so that a test can act at one.

Instants are those of the deployment's observer (around each step, around each verdict) and, around
each write of the request into the table, ``keep`` and ``kept`` behind the last of those.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from otactl.aws.machine_time import wall_ms
from otactl.aws.queue_table import DynamoRequestTable
from otactl.deploy.observer import Observer
from otactl.deploy.planner import PlanOptions
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.trust import Trust
from otactl.operations.frontend import Frontend
from otactl.operations.queue.attempt import WorkerParts, WorkerSettings
from otactl.operations.queue.lease_guard import GuardedClientPool
from otactl.operations.queue.session import QueueSession, queue_time
from otactl.operations.queue.worker import Worker, WorkerOptions, WorkUntil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.queue_site import QueueSite

    from otactl.operations.queue.recorder import AttemptResult

HOUR_MS = 3_600_000


class Instants(Observer):
    """Names instants, and calls somebody at each.

    Args:
        act: Called with the name of each instant.
    """

    def __init__(self, act: Callable[[str], None] = lambda _name: None) -> None:
        self._act = act
        self.names: list[str] = []
        self._last = "start"

    def reach(self, name: str) -> None:
        self.names.append(name)
        self._act(name)

    def on_step(self, moment) -> None:
        self._last = f"{moment.step.key} {moment.moment}"
        self.reach(self._last)

    def on_gate(self, status, *, written) -> None:
        self._last = f"gate {status.name} {status.verdict} {'written' if written else 'judged'}"
        self.reach(self._last)

    def around(self, write: Callable[[], bool]) -> bool:
        self.reach(f"keep after {self._last}")
        done = write()
        self.reach(f"kept after {self._last}")
        return done


class WatchedTable(DynamoRequestTable):
    """A table whose changes are instants, too."""

    instants: Instants

    def amend(self, before, after, guard) -> bool:
        if before.checkpoint == after.checkpoint:
            return super().amend(before, after, guard)
        return self.instants.around(lambda: DynamoRequestTable.amend(self, before, after, guard))


@dataclass(frozen=True)
class HostSession(QueueSession):
    """A session on a host whose clock is wrong by so much."""

    instants: Instants = field(default_factory=Instants)
    ahead_ms: int = 0
    #: Made once: a client of each service takes longer than a visit.
    guarded: GuardedClientPool = field(default_factory=GuardedClientPool)

    @cached_property
    def table(self) -> WatchedTable:
        table = WatchedTable(self.clients, self.table_name)
        table.instants = self.instants
        return table

    @cached_property
    def now_ms(self) -> Callable[[], int]:
        return queue_time(lambda: wall_ms() + self.ahead_ms, self.clients.aws_now_ms)


def host_session(site: QueueSite, instants: Instants, ahead_ms: int = 0) -> HostSession:
    """The queue of a site, seen from a host."""
    address = site.cloud.address
    return HostSession(
        site.table_name, None, address.region, address.endpoint_url, instants, ahead_ms
    )


def visit(session: HostSession, folder: Path) -> list[AttemptResult]:
    """One run of a CI job; what it has to say, polls left out."""
    settings = WorkerSettings(
        policy=LeasePolicy(lease_ms=60_000, max_attempts=1000),
        trust=Trust(),
        options=PlanOptions(detail_limit=10),
        poll_seconds=0.1,
        work_dir=folder,
    )
    results: list[AttemptResult] = []
    options = WorkerOptions(until=WorkUntil.ONE, idle_seconds=0.1, report_dir=None)
    parts = WorkerParts(
        session, settings, Frontend(), clients=session.guarded, observer=session.instants
    )
    Worker(parts, options, results.append).run()
    return results


def free(site: QueueSite) -> None:
    """End every lease: the time of the next poll has come, or a lost worker's lease is over."""
    for request in site.table.active().requests:
        site.clients.dynamodb.update_item(
            TableName=site.table_name,
            Key={"jobStatus": {"S": "Deploying"}, "timestamp": {"S": request.order_key}},
            UpdateExpression="SET leaseUntil = :now",
            ExpressionAttributeValues={":now": {"N": "1"}},
        )


def work(session: HostSession, site: QueueSite, job_id: str, folder: Path) -> str:
    """Visit until the request is over; its state."""
    while not (state := site.request(job_id).state).is_over:
        free(site)
        visit(session, folder)
    return str(state)


def die_at(name: str) -> Callable[[str], None]:
    """What lets a process be killed at an instant."""

    def act(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def work_in_a_child(site: QueueSite, job_id: str, folder: Path, act: Callable[[str], None]) -> int:
    """Let a process of its own work; the signal that killed it, 0 when it came to the end."""
    child = os.fork()
    if child == 0:  # pragma: no cover - ends by SIGKILL
        code = 1
        try:
            work(host_session(site, Instants(act)), site, job_id, folder)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
