"""Whose trouble it is decides what becomes of a request."""

from __future__ import annotations

import pytest
from tests.support.memory_queue import ManualTime, MemoryTable, MemoryTargets, request_for

from otactl.errors import (
    AwsRefused,
    AwsUnreachable,
    Interrupted,
    LocalResourceMissing,
    OtactlError,
    UserMistake,
)
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.failure_policy import internal_error, release_pause_ms
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.operations.frontend import Frontend
from otactl.operations.queue.recorder import Recorder

POLICY = LeasePolicy(lease_ms=60_000)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def held(table: MemoryTable) -> ClaimedRequest:
    table.add([request_for("a")])
    time = ManualTime()
    claimer = Claimer(table, MemoryTargets(), time, owner="me", policy=POLICY, draw=lambda: 0.0)
    request = claimer.claim()
    assert request is not None
    return ClaimedRequest(table, request, time, POLICY)


@pytest.mark.parametrize(
    ("error", "state", "attempt", "ends_worker"),
    [
        (UserMistake("wrong"), RequestState.FAILED, 1, False),
        (
            AwsRefused("iot:CreateJob", "LimitExceededException", "no"),
            RequestState.FAILED,
            1,
            False,
        ),
        (AwsRefused("iot:CreateJob", "ExpiredToken", "no"), RequestState.DEPLOYING, 1, True),
        (AwsUnreachable("iot:CreateJob", "Timeout", "no"), RequestState.DEPLOYING, 1, False),
        (LocalResourceMissing("no disk"), RequestState.DEPLOYING, 1, False),
        (Interrupted(15), RequestState.DEPLOYING, 0, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, OtactlError) else None,
)
def test_a_request_fails_or_goes_to_the_next_worker(
    table: MemoryTable,
    error: OtactlError,
    state: RequestState,
    attempt: int,
    ends_worker: bool,  # noqa: FBT001  # a parameter of the cases
) -> None:
    ended = Recorder(held(table), Frontend()).end_by(error)

    (found,) = table.items.values()
    assert isinstance(found, JobRequest)
    assert (found.state, found.attempt) == (state, attempt)
    assert ended.is_recorded is (state is RequestState.FAILED)
    assert ended.ends_worker is ends_worker
    reported = found.last_error or (found.failure and found.failure.reason) or ""
    assert str(error) in reported


def test_a_worker_whose_request_was_taken_records_nothing(table: MemoryTable) -> None:
    mine = held(table)
    taken = {(RequestState.DEPLOYED, "x"): request_for("b", state=RequestState.DEPLOYED)}
    table.items.clear()
    table.items.update(taken)

    ended = Recorder(mine, Frontend()).end_by(UserMistake("wrong"))

    assert not ended.is_recorded
    assert "no longer this worker's" in str(ended.error)
    assert table.items == taken


def test_three_attempts_outlast_ten_minutes_without_aws() -> None:
    error = AwsUnreachable("s3:GetObject", "Timeout", "no")

    pauses = [release_pause_ms(error, attempt) for attempt in (1, 2, 3)]

    assert sum(pauses) >= 600_000
    assert release_pause_ms(error, 50) == 3_600_000
    assert release_pause_ms(error, 10**14) == 3_600_000


def test_a_fault_of_ours_is_named_and_says_where_its_traceback_is() -> None:
    fault = internal_error(KeyError("ending"), "/state/fault.txt")

    assert "KeyError: 'ending'" in str(fault)
    assert fault.hint is not None
    assert "/state/fault.txt" in fault.hint
    assert fault.exit_code == 1
