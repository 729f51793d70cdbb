"""How often a failed execution is started again."""

import pytest

from otactl.model.job_configuration import RetryCriterion
from otactl.model.status import ExecutionStatus, FailureType
from otactl.rules.retry import retries_left

S = ExecutionStatus


def retry(failure_type: FailureType, times: int) -> RetryCriterion:
    return RetryCriterion(failure_type=failure_type, number_of_retries=times)


def test_retries_count_down_with_the_attempts() -> None:
    criteria = (retry(FailureType.FAILED, 3),)
    assert [retries_left(criteria, S.FAILED, attempt) for attempt in range(1, 6)] == [3, 2, 1, 0, 0]


def test_each_type_covers_its_own_failure_and_all_covers_both() -> None:
    failed, timed_out = retry(FailureType.FAILED, 2), retry(FailureType.TIMED_OUT, 5)
    assert retries_left((failed,), S.TIMED_OUT, 1) == 0
    assert retries_left((failed, timed_out), S.TIMED_OUT, 1) == 5
    every = (retry(FailureType.ALL, 4),)
    assert retries_left(every, S.FAILED, 1) == retries_left(every, S.TIMED_OUT, 1) == 4


@pytest.mark.parametrize("status", [S.REJECTED, S.SUCCEEDED, S.CANCELED, S.REMOVED, S.QUEUED])
def test_nothing_else_is_ever_retried(status: ExecutionStatus) -> None:
    assert retries_left((retry(FailureType.ALL, 10),), status, 1) == 0


def test_a_thing_gets_ten_retries_at_most() -> None:
    assert retries_left((retry(FailureType.ALL, 99),), S.FAILED, 1) == 10


def test_without_criteria_nothing_is_retried() -> None:
    assert retries_left((), S.FAILED, 1) == 0
