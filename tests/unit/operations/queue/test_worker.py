from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
from tests.support.memory_queue import MemoryTable, MemoryTargets, request_for

from otactl.deploy.planner import PlanOptions
from otactl.errors import AwsUnreachable, CredentialsUnusable, Interrupted
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.ports import ActiveRequests
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.trust import Trust
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.operations.queue.attempt import WorkerParts, WorkerSettings
from otactl.operations.queue.recorder import AttemptResult, keep_report
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.worker import (
    Worker,
    WorkerOptions,
    WorkUntil,
    new_owner,
    requests_at_gates,
)


class AwayTable(MemoryTable):
    """A table that cannot be reached for a while."""

    def __init__(self, polls: int) -> None:
        super().__init__()
        self.polls = polls
        self.clock = CommandClock(speed=1000)
        self.asks_to_stop_at: int | None = None

    def active(self) -> ActiveRequests:
        self.polls -= 1
        if self.polls == self.asks_to_stop_at:
            self.clock.ask_to_stop(15)
        if self.polls >= 0:
            raise AwsUnreachable("dynamodb:Query", "EndpointConnectionError", "no route")
        return super().active()


def session_of(table: AwayTable) -> QueueSession:
    """A session whose table and targets are in memory."""

    class MemorySession(QueueSession):
        @cached_property
        def table(self) -> AwayTable:
            return table

        @cached_property
        def targets(self) -> MemoryTargets:
            return MemoryTargets()

    return MemorySession("queue", None, "us-east-1", None)


def worker(table: AwayTable, until: WorkUntil, tmp_path: Path) -> Worker:
    settings = WorkerSettings(
        policy=LeasePolicy(),
        trust=Trust(),
        options=PlanOptions(),
        poll_seconds=1,
        work_dir=tmp_path,
    )
    options = WorkerOptions(until=until, idle_seconds=1, report_dir=None)
    parts = WorkerParts(session_of(table), settings, Frontend())
    return Worker(parts, options, lambda _: None, clock=table.clock)


@pytest.mark.parametrize("until", [WorkUntil.ONE, WorkUntil.EMPTY])
def test_a_worker_for_ci_gives_up_on_a_queue_that_cannot_be_reached(
    until: WorkUntil, tmp_path: Path
) -> None:
    assert worker(AwayTable(polls=4), until, tmp_path).run() == 0

    with pytest.raises(AwsUnreachable, match="no route"):
        worker(AwayTable(polls=1000), until, tmp_path).run()


def test_a_worker_that_runs_until_it_is_stopped_waits_for_the_queue(tmp_path: Path) -> None:
    table = AwayTable(polls=30)
    table.asks_to_stop_at = 2

    with pytest.raises(Interrupted):
        worker(table, WorkUntil.STOPPED, tmp_path).run()

    assert table.polls == 2


def test_no_two_workers_have_the_same_name() -> None:
    assert len({new_owner() for _ in range(100)}) == 100


def test_a_session_that_ended_does_not_hide_the_result_of_a_deployment() -> None:
    class SignedOutTable(AwayTable):
        def listed(self, state: RequestState) -> Iterator[JobRequest | MalformedRequest]:
            raise CredentialsUnusable("the SSO session has expired")

    assert requests_at_gates(session_of(SignedOutTable(polls=0))) == []


def test_a_report_that_cannot_be_written_does_not_hide_the_result(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    warnings: list[str] = []

    keep_report(AttemptResult(request=request_for("one")), tmp_path / "reports", warnings.append)
    keep_report(
        AttemptResult(request=request_for("one")), tmp_path / "reports" / "own", warnings.append
    )

    assert len(warnings) == 2
    assert all(str(tmp_path / "reports") in warning for warning in warnings)
