"""How long one worker's attempt waits, and for what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.memory_queue import ManualTime, MemoryTable, request_for
from tests.unit.deploy.test_waves import ARN
from tests.unit.model.configuration.test_verify_section import verify_ini

from otactl.deploy.planner import PlanOptions
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.trust import Trust
from otactl.operations.frontend import Frontend
from otactl.operations.load import load_deployment
from otactl.operations.queue.attempt import Attempt, WorkerParts, WorkerSettings
from otactl.operations.queue.checkpoint import Checkpoint
from otactl.operations.queue.lease_guard import LeasedClock
from otactl.operations.queue.session import QueueSession

REQUEST = request_for("t1", state=RequestState.DEPLOYING, fence=1, maximum_minutes=60)


@pytest.fixture
def attempt(tmp_path):
    settings = WorkerSettings(
        policy=LeasePolicy(),
        trust=Trust(),
        options=PlanOptions(),
        poll_seconds=1,
        work_dir=tmp_path,
    )
    session = QueueSession("queue", None, "us-east-1", None)
    claimed = ClaimedRequest(MemoryTable(), REQUEST, ManualTime(), settings.policy)
    parts = WorkerParts(session, settings, Frontend())
    return Attempt(parts, claimed, LeasedClock(claimed, parts.frontend), tmp_path)


def test_only_what_has_gates_is_left_to_the_next_visit(attempt, tmp_path):
    (tmp_path / "test.bin").write_bytes(b"firmware")
    (tmp_path / "thingsList.txt").write_text(f"{ARN}t1\n")
    (tmp_path / "dev.ini").write_text(verify_ini(expectedVersion="2.0"))

    # Verification without waves is no gate: nothing of it is in a checkpoint.
    environment = attempt._environment(load_deployment(tmp_path / "dev.ini"))

    assert not environment.waiting.leaves


@pytest.mark.parametrize(("minutes", "left"), [(0, 3600), (50, 600), (500, 1)])
def test_the_minutes_of_earlier_workers_count(attempt, minutes, left):
    planned_ms = attempt._clock.now_ms() - 60_000 * minutes
    checkpoint = Checkpoint(planned_ms=planned_ms, document="{}", things=1)

    options = attempt._plan_options(REQUEST, checkpoint)

    assert options.max_wait_seconds == pytest.approx(left, abs=2)


def test_the_first_worker_has_all_of_them_and_another_request_any_time(attempt):
    assert attempt._plan_options(REQUEST, None).max_wait_seconds == 3600
    unlimited = replace(REQUEST, maximum_minutes=None)
    assert attempt._plan_options(unlimited, None).max_wait_seconds is None
