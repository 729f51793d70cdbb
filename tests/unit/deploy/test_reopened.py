"""A deployment that ended before its job did is watched on by `otactl resume`."""

from __future__ import annotations

import pytest
from tests.unit.deploy.test_executor import THINGS, a_plan

from otactl.deploy.ending import Ending, ending_of
from otactl.deploy.journal import Outcome, Phase
from otactl.deploy.targeting import choose_targets
from otactl.errors import DeadlinePassed, UserMistake
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus, TargetSelection
from otactl.model.thing_list import parse_thing_list


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
    assert result.is_success
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

    assert result.is_success


def test_a_deployment_whose_job_has_ended_is_not_reopened(execute):
    first = execute(a_plan(clean_up=False))
    first._journal.enter_targets(THINGS)
    first.run()
    first._journal.close()

    second = execute()

    assert not second.reopen()
    assert second._journal.outcome is Outcome.SUCCEEDED


def test_a_continuous_job_for_empty_groups_waits_for_who_joins(aws, execute):
    # Devices that register later: a job for no thing yet is what CONTINUOUS is for.
    group = "arn:aws:iot:eu-central-1:123456789012:thinggroup/factory"
    listed = parse_thing_list([group], file_name="t", region="eu-central-1", account="123456789012")
    aws.registry.groups["factory"] = ("", [])

    found = choose_targets(listed, aws.registry, TargetSelection.CONTINUOUS)

    assert (found.arns, found.things) == ((group,), 0)
    with pytest.raises(UserMistake, match="is empty"):
        choose_targets(listed, aws.registry, TargetSelection.SNAPSHOT)


@pytest.mark.parametrize(("finished", "ending"), [(0, None), (1, Ending.SETTLED)])
def test_a_continuous_job_settles_once_somebody_came(finished, ending):
    counts = JobCounts({ExecutionStatus.SUCCEEDED: finished})
    job = JobDescription(job_id="j", status=JobStatus.IN_PROGRESS, counts=counts)

    found = ending_of(job, things=0, target_selection=TargetSelection.CONTINUOUS, abort_criteria=())

    assert found is ending
