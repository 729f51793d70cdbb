"""When a job ends and what cancelling takes with it."""

from otactl.model.status import ExecutionStatus, TargetSelection
from otactl.rules.job import canceled_with_job, is_complete

S = ExecutionStatus
SNAPSHOT, CONTINUOUS = TargetSelection.SNAPSHOT, TargetSelection.CONTINUOUS


def test_a_snapshot_job_is_complete_when_nothing_is_left_whatever_came_of_it() -> None:
    assert is_complete(SNAPSHOT, waiting=0, counts={S.FAILED: 3, S.IN_PROGRESS: 0})
    assert is_complete(SNAPSHOT, waiting=0, counts={})
    assert not is_complete(SNAPSHOT, waiting=1, counts={S.SUCCEEDED: 3})
    assert not is_complete(SNAPSHOT, waiting=0, counts={S.SUCCEEDED: 3, S.QUEUED: 1})


def test_a_continuous_job_never_completes() -> None:
    assert not is_complete(CONTINUOUS, waiting=0, counts={S.SUCCEEDED: 3})


def test_cancelling_takes_the_queued_and_force_takes_the_running_too() -> None:
    assert [s for s in S if canceled_with_job(s, by_force=False)] == [S.QUEUED]
    assert [s for s in S if canceled_with_job(s, by_force=True)] == [S.QUEUED, S.IN_PROGRESS]
