"""A worker of the queue that dies, freezes or errs at one chosen instant, then never again.

    python faulty_worker.py FAULT TABLE STATE_DIR LEASE_SECONDS

FAULT is ``die``, ``freeze`` or ``err``, ``@``, and the instant: an event of botocore's
(``before-sign``, ``before-send`` or ``after-call``, ``.iot.``, an operation), ``before-record`` or
``after-record``.
The worker is put together from the very parts ``otactl queue run --once`` uses.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otactl.aws.queue_table import DynamoRequestTable
from otactl.cli.frontend import TerminalFrontend
from otactl.deploy.planner import PlanOptions
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.trust import Trust
from otactl.operations.queue.attempt import WorkerParts, WorkerSettings
from otactl.operations.queue.lease_guard import GuardedClientPool
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.worker import Worker, WorkerOptions, WorkUntil

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients, AwsSettings
    from otactl.jobqueue.request import JobRequest, LeftOpen
    from otactl.jobqueue.transition import Guard
    from otactl.operations.queue.recorder import AttemptResult


#: Wakes a frozen worker.
WAKE = signal.SIGCONT


def is_frozen(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


class Fault:
    """Something that goes wrong once.

    Args:
        text: What and when.
    """

    def __init__(self, text: str) -> None:
        self._action, self.instant = text.split("@")
        self._is_over = False

    def on_event(self, event_name: str, **_: Any) -> None:
        """Go wrong when it is the instant."""
        if event_name == self.instant:
            self.strike()

    def strike(self) -> None:
        """Go wrong, unless it did already."""
        if self._is_over:
            return
        self._is_over = True
        if self._action == "err":
            raise ZeroDivisionError("what nobody thought of")
        os.kill(os.getpid(), {"die": signal.SIGKILL, "freeze": signal.SIGSTOP}[self._action])


class FaultyTable(DynamoRequestTable):
    """A table whose user is struck before or after it records the end of a request."""

    fault: Fault

    def move(
        self,
        before: JobRequest,
        after: JobRequest,
        guard: Guard,
        left_open: LeftOpen | None = None,
    ) -> bool:
        if self.fault.instant == "before-record":
            self.fault.strike()
        done = super().move(before, after, guard, left_open)
        if self.fault.instant == "after-record":
            self.fault.strike()
        return done


class FaultyClients(GuardedClientPool):
    """Clients that are struck around one of their calls to AWS, behind the lease's own guard."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self._fault = fault

    def of(self, settings: AwsSettings) -> AwsClients:
        found = super().of(settings)
        # The last of the handlers on the general event comes behind all others: behind the guard.
        event = self._fault.instant.partition(".")[0]
        found.iot.meta.events.register_last(event, self._fault.on_event, unique_id="fault")
        return found


class FaultySession(QueueSession):
    """A session with a faulty table."""

    @cached_property
    def table(self) -> FaultyTable:
        return FaultyTable(self.clients, self.table_name)


def main() -> None:
    """Take one request."""
    fault = Fault(sys.argv[1])
    session = FaultySession(sys.argv[2], None, None, os.environ.get("AWS_ENDPOINT_URL") or None)
    session.table.fault = fault
    settings = WorkerSettings(
        policy=LeasePolicy(lease_ms=int(float(sys.argv[4]) * 1000)),
        trust=Trust(),
        options=PlanOptions(),
        poll_seconds=0.2,
        work_dir=Path(sys.argv[3]) / "queue",
    )
    ends: list[AttemptResult] = []
    options = WorkerOptions(until=WorkUntil.ONE, idle_seconds=0.2, report_dir=None)
    parts = WorkerParts(session, settings, TerminalFrontend(), FaultyClients(fault))
    Worker(parts, options, ends.append).run()
    for ended in ends:
        print(ended.is_recorded, ended.error)  # noqa: T201  # what the test looks at
        sys.exit(0 if ended.error is None else ended.error.exit_code)


if __name__ == "__main__":
    main()
