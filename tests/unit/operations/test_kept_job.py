"""What had not ended when a deployment did is asked of AWS while its job is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otactl.deploy.ownership import describe_ours
from otactl.errors import AwsUnreachable
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.operations.report_content import ReportContent, RoundContent
from otactl.operations.report_source import as_of_journal, with_kept_job
from otactl.operations.retry import failed_things

if TYPE_CHECKING:
    from collections.abc import Iterator

S = ExecutionStatus
DEPLOYMENT = "20261123T120000Z-abcdef"


@dataclass
class Jobs:
    now: dict[str, ExecutionStatus] = field(default_factory=dict)
    status: JobStatus = JobStatus.COMPLETED
    owner: str = DEPLOYMENT
    away: bool = False

    def describe(self, job_id: str) -> JobDescription | None:
        if self.away:
            raise AwsUnreachable("iot:DescribeJob", "EndpointConnectionError", "no network")
        counts: dict[ExecutionStatus, int] = {}
        for status in self.now.values():
            counts[status] = counts.get(status, 0) + 1
        return JobDescription(
            job_id=job_id,
            status=self.status,
            counts=JobCounts(counts),
            description=describe_ours(self.owner, "round 1"),
        )

    def executions(
        self, _job_id: str, status: ExecutionStatus | None = None
    ) -> Iterator[ThingOutcome]:
        for name, found in self.now.items():
            if status in (None, found):
                yield ThingOutcome(thing_name=name, status=found)

    def execution(self, _job_id: str, thing_name: str) -> ThingOutcome | None:
        return ThingOutcome(thing_name=thing_name, status=self.now[thing_name])


def content(not_reached: tuple[str, ...] = (), **last: ExecutionStatus) -> ReportContent:
    executions = tuple(ThingOutcome(thing_name=name, status=each) for name, each in last.items())
    counts: dict[ExecutionStatus, int] = {}
    for status in last.values():
        counts[status] = counts.get(status, 0) + 1
    return ReportContent(
        job_id="job",
        made_ms=1,
        created_ms=1_795_000_000_000,
        deployment_id=DEPLOYMENT,
        rounds=(
            RoundContent(
                round=1,
                status="IN_PROGRESS",
                executions=executions,
                counts=counts,
                not_reached=len(not_reached),
                not_reached_things=not_reached,
            ),
        ),
    )


def statuses(found: ReportContent) -> dict[str, ExecutionStatus]:
    return {one.thing_name: one.status for one in found.rounds[-1].last_executions()}


def test_what_became_of_it_since_is_reported_and_retried() -> None:
    jobs = Jobs(now={"a": S.SUCCEEDED, "b": S.FAILED, "late": S.FAILED})

    found = with_kept_job(content(a=S.IN_PROGRESS, b=S.QUEUED), jobs, details=9)

    assert statuses(found) == jobs.now
    assert found.rounds[-1].counts == {S.SUCCEEDED: 1, S.FAILED: 2}
    assert failed_things(found) == ["b", "late"]


def test_a_thing_that_got_the_job_after_all_is_no_longer_missing() -> None:
    jobs = Jobs(now={"a": S.SUCCEEDED, "b": S.SUCCEEDED})

    found = with_kept_job(content(("b", "gone"), a=S.SUCCEEDED), jobs, details=9)

    assert (found.rounds[-1].not_reached, found.rounds[-1].not_reached_things) == (1, ("gone",))
    assert failed_things(found) == ["gone"]


def test_a_job_that_goes_on_is_still_under_way() -> None:
    jobs = Jobs(now={"a": S.IN_PROGRESS}, status=JobStatus.IN_PROGRESS)

    assert with_kept_job(content(a=S.IN_PROGRESS), jobs, details=9).is_running


def test_where_aws_cannot_be_asked_the_report_says_as_of_when_it_knows() -> None:
    for jobs in (Jobs(away=True), Jobs(owner="20261123T120000Z-ffffff")):
        found = with_kept_job(content(("gone",), a=S.IN_PROGRESS, b=S.FAILED), jobs, details=9)

        assert statuses(found) == {"a": S.IN_PROGRESS, "b": S.FAILED}
        (note,) = found.notes
        assert note.startswith("As of 2026-11-18 ")
        assert "2 things had not ended" in note
    assert as_of_journal(content(a=S.SUCCEEDED), "why").notes == ()
