"""A deployment that ended before its job did is watched on by `otactl resume`."""

from __future__ import annotations

from tests.unit.deploy.test_executor import THINGS, a_plan

from otactl.deploy.journal import Outcome, Phase
from otactl.errors import DeadlinePassed
from otactl.model.status import ExecutionStatus


def test_after_max_wait_the_job_is_watched_on_to_its_end(aws, execute):
    aws.jobs.takes_ms = 3_600_000
    first = execute(a_plan(clean_up=False, max_wait_seconds=60))
    first._journal.enter_targets(THINGS)
    first.run()
    assert isinstance(first.failure, DeadlinePassed)
    assert first._journal.phase is Phase.FINISHED
    first._journal.close()

    second = execute()
    assert second.reopen()
    result = second.run()

    assert second.failure is None
    assert result.succeeded
    assert result.rounds[0].counts == {ExecutionStatus.SUCCEEDED: 3}
    assert second._journal.outcome is Outcome.SUCCEEDED


def test_a_kill_after_the_reopening_does_not_bring_the_deadline_back(aws, execute):
    aws.jobs.takes_ms = 3_600_000
    first = execute(a_plan(clean_up=False, max_wait_seconds=60))
    first._journal.enter_targets(THINGS)
    first.run()
    first._journal.close()
    killed = execute()
    assert killed.reopen()
    killed._journal.close()

    result = execute().run()

    assert result.succeeded


def test_a_deployment_whose_job_has_ended_is_not_reopened(execute):
    first = execute(a_plan(clean_up=False))
    first._journal.enter_targets(THINGS)
    first.run()
    first._journal.close()

    second = execute()

    assert not second.reopen()
    assert second._journal.outcome is Outcome.SUCCEEDED
