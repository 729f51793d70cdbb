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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otactl.aws.queue_table import DynamoRequestTable
from otactl.cli.queue.carry_out import Carrier, WorkSettings
from otactl.cli.queue.received import Allowance
from otactl.cli.queue.session import QueueSession
from otactl.cli.queue.worker import Pattern, Until, Worker
from otactl.deploy.planner import PlanOptions
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.trust import Trust

if TYPE_CHECKING:
    from otactl.aws.clients import AwsSettings
    from otactl.cli.queue.ended import Ended
    from otactl.cli.queue.lease_guard import GuardedClients
    from otactl.jobqueue.request import JobRequest
    from otactl.jobqueue.transition import Guard


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

    def move(self, before: JobRequest, after: JobRequest, guard: Guard) -> bool:
        if self.fault.instant == "before-record":
            self.fault.strike()
        done = super().move(before, after, guard)
        if self.fault.instant == "after-record":
            self.fault.strike()
        return done


class FaultyCarrier(Carrier):
    """A carrier that is struck around one of its calls to AWS, behind the lease's own guard."""

    def __init__(self, session: QueueSession, settings: WorkSettings, fault: Fault) -> None:
        super().__init__(session, settings)
        self._fault = fault

    def guarded(self, settings: AwsSettings) -> GuardedClients:
        found = super().guarded(settings)
        # The last of the handlers on the general event comes behind all others: behind the guard.
        event = self._fault.instant.partition(".")[0]
        found.clients.iot.meta.events.register_last(event, self._fault.on_event, unique_id="fault")
        return found


def main() -> None:
    """Take one request."""
    fault = Fault(sys.argv[1])
    session = QueueSession(sys.argv[2], None, None, None)
    if os.environ.get("AWS_ENDPOINT_URL"):
        session = QueueSession(sys.argv[2], None, None, os.environ["AWS_ENDPOINT_URL"])
    table = FaultyTable(session.clients, sys.argv[2])
    table.fault = fault
    # A cached property is filled like this.
    session.__dict__["table"] = table
    settings = WorkSettings(
        policy=LeasePolicy(lease_ms=int(float(sys.argv[4]) * 1000)),
        allowance=Allowance(trust=Trust()),
        options=PlanOptions(),
        poll_seconds=0.2,
        work_dir=Path(sys.argv[3]) / "queue",
    )
    ends: list[Ended] = []
    pattern = Pattern(until=Until.ONE, idle_seconds=0.2, report_dir=None)
    Worker(FaultyCarrier(session, settings, fault), pattern, ends.append).run()
    for ended in ends:
        print(ended.is_recorded, ended.error)  # noqa: T201  # what the test looks at
        sys.exit(0 if ended.error is None else ended.error.exit_code)


if __name__ == "__main__":
    main()
