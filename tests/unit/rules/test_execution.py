"""Which reports and decisions the service takes."""

import pytest

from otactl.model.status import ExecutionStatus
from otactl.rules.execution import (
    DECIDED,
    REPORTED,
    TERMINAL,
    may_decide,
    may_follow,
    may_report,
)

S = ExecutionStatus


@pytest.mark.parametrize("current", [S.QUEUED, S.IN_PROGRESS])
@pytest.mark.parametrize("reported", [S.IN_PROGRESS, S.SUCCEEDED, S.FAILED, S.REJECTED])
def test_a_thing_may_report_progress_and_every_end_of_its_own(
    current: ExecutionStatus, reported: ExecutionStatus
) -> None:
    assert may_report(current, reported)


@pytest.mark.parametrize("reported", [S.QUEUED, S.CANCELED, S.TIMED_OUT, S.REMOVED])
def test_what_only_the_service_sets_is_refused_from_a_thing(reported: ExecutionStatus) -> None:
    assert not any(may_report(current, reported) for current in S)


def test_nothing_leaves_a_terminal_status_even_by_force() -> None:
    for current in TERMINAL:
        assert not any(may_report(current, later) for later in S)
        assert not any(may_decide(current, later, by_force=True) for later in S)
        assert not any(may_follow(current, later) for later in S)


def test_only_force_cancels_what_is_in_progress() -> None:
    assert may_decide(S.QUEUED, S.CANCELED)
    assert not may_decide(S.IN_PROGRESS, S.CANCELED)
    assert may_decide(S.IN_PROGRESS, S.CANCELED, by_force=True)


def test_a_queued_execution_never_times_out() -> None:
    assert not may_decide(S.QUEUED, S.TIMED_OUT, by_force=True)


def test_an_observer_that_missed_the_start_still_believes_the_end() -> None:
    assert may_follow(S.QUEUED, S.TIMED_OUT)
    assert not may_follow(S.IN_PROGRESS, S.QUEUED)


def test_the_tables_know_every_status() -> None:
    assert set(REPORTED) == set(S)
    assert set(DECIDED) == set(S)
