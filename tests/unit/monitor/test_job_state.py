"""What is known of a job after reports of every source."""

from __future__ import annotations

from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts, JobDescription
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.monitor.job_state import JobState
from otactl.monitor.kept_details import KEPT_DETAILS
from otactl.wire.job_event import ExecutionEvent

S = ExecutionStatus


def test_a_page_does_not_take_away_the_reason_of_a_failure_whose_details_are_not_kept() -> None:
    state = JobState("job")
    counts = JobCounts({S.FAILED: KEPT_DETAILS + 1})
    state.see_job(JobDescription(job_id="job", status=JobStatus.IN_PROGRESS, counts=counts), 9000)
    for number in range(KEPT_DETAILS + 1):
        state.see_execution_event(
            ExecutionEvent(
                event_id=f"event-{number}",
                job_id="job",
                at_ms=9000,
                thing_name=f"thing-{number}",
                status=S.FAILED,
                status_details={"reason": "flash full"},
            )
        )
    # Pages have milliseconds, events whole seconds.
    state.see_page([ThingOutcome(thing_name="thing-0", status=S.FAILED, updated_at_ms=9400)], 9500)

    groups = [(group.reason, group.count) for group in state.failures.groups()]
    assert groups == [("flash full", KEPT_DETAILS + 1)]
