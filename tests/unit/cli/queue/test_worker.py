from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.memory_queue import MemoryTable, MemoryTargets

from otactl.cli.queue.carry_out import Carrier, WorkSettings
from otactl.cli.queue.received import Allowance
from otactl.cli.queue.session import QueueSession
from otactl.cli.queue.worker import Pattern, Until, Worker, new_owner
from otactl.deploy.planner import PlanOptions
from otactl.errors import AwsUnreachable, Interrupted
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.ports import ActiveRequests
from otactl.jobqueue.trust import Trust
from otactl.operations.clock import CommandClock


class AwayTable(MemoryTable):
    """A table that cannot be reached for a while."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.clock = CommandClock(speed=1000)
        self.asks_to_stop_at: int | None = None

    def active(self) -> ActiveRequests:
        self.looks -= 1
        if self.looks == self.asks_to_stop_at:
            self.clock.ask_to_stop(15)
        if self.looks >= 0:
            raise AwsUnreachable("dynamodb:Query", "EndpointConnectionError", "no route")
        return super().active()


def worker(table: AwayTable, until: Until, tmp_path: Path) -> Worker:
    session = QueueSession("queue", None, "us-east-1", None)
    session.__dict__.update(table=table, targets=MemoryTargets())
    settings = WorkSettings(
        policy=LeasePolicy(),
        allowance=Allowance(trust=Trust()),
        options=PlanOptions(),
        poll_seconds=1,
        work_dir=tmp_path,
    )
    pattern = Pattern(until=until, idle_seconds=1, report_dir=None)
    return Worker(Carrier(session, settings), pattern, lambda _: None, clock=table.clock)


@pytest.mark.parametrize("until", [Until.ONE, Until.EMPTY])
def test_a_worker_for_ci_gives_up_on_a_queue_that_cannot_be_reached(
    until: Until, tmp_path: Path
) -> None:
    assert worker(AwayTable(looks=4), until, tmp_path).run() == 0

    with pytest.raises(AwsUnreachable, match="no route"):
        worker(AwayTable(looks=1000), until, tmp_path).run()


def test_a_worker_that_runs_until_it_is_stopped_waits_for_the_queue(tmp_path: Path) -> None:
    table = AwayTable(looks=30)
    table.asks_to_stop_at = 2

    with pytest.raises(Interrupted):
        worker(table, Until.STOPPED, tmp_path).run()

    assert table.looks == 2


def test_no_two_workers_have_the_same_name() -> None:
    assert len({new_owner() for _ in range(100)}) == 100
