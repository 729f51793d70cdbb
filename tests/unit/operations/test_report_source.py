"""What reports say of jobs that were cancelled, and while AWS is out of reach."""

from __future__ import annotations

import pytest
from tests.support.job_world import JobWorld

from otactl.errors import AwsUnreachable
from otactl.model.status import SETTLED_REASON_CODE, ExecutionStatus
from otactl.operations.report_content import ReportContent
from otactl.operations.report_source import service_content, with_wave_jobs

S = ExecutionStatus


class LostJobs:
    """IoT Jobs out of reach."""

    def describe(self, _job_id):
        raise AwsUnreachable("iot:DescribeJob", "EndpointConnectionError", "no route")


def test_a_report_of_waves_whose_first_wave_still_runs() -> None:
    content = ReportContent(job_id="job", made_ms=2, created_ms=1, rounds=())

    found = with_wave_jobs(content, {1: "job-canary"}, LostJobs(), details=0)

    assert found.rounds == ()
    assert found.notes[0].startswith("What has begun is not known: AWS could not be queried: ")


class WorldJobs:
    """The jobs of a world, read as a report reads those of AWS."""

    def __init__(self, world: JobWorld) -> None:
        self._world = world
        self.describe, self.execution = world.describe, world.execution

    def executions(self, job_id, status):
        return self._world.page(job_id, status, None).executions

    def document(self, _job_id):
        return "{}"


@pytest.mark.parametrize(
    ("reason_code", "comment", "failure"),
    [
        ("", "", "the job was cancelled"),
        ("", "not today", "not today"),
        (SETTLED_REASON_CODE, "every thing has ended", ""),
    ],
)
def test_a_cancelled_job_is_no_success_though_every_thing_that_it_reached_succeeded(
    reason_code, comment, failure
):
    world = JobWorld()
    world.create(things=["thing-1", "thing-2"])
    world.end(S.SUCCEEDED, "thing-1")
    world.cancel(comment=comment, reason_code=reason_code)
    # As if the rollout had not reached the second thing.
    world.executions["job"] = [one for one in world.executions["job"] if one.status is S.SUCCEEDED]

    found = service_content(WorldJobs(world), "job", details=5, region="", made_ms=1)

    assert (found.failure, found.is_success) == (failure, not failure)
