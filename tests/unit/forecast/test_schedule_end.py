"""What the end of a job's schedule does to executions: by its behavior, and to retries."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.listed_fleet import Act, ListedFleet

from otactl.forecast.attempts import NEVER
from otactl.forecast.run import Pace, run
from otactl.forecast.run_result import run_result
from otactl.model.job_configuration import JobConfiguration, RetryCriterion, Rollout, Scheduling
from otactl.model.status import ExecutionStatus, FailureType

MINUTE = 60_000
END = 5 * MINUTE
S = ExecutionStatus

FAILS_LATE = Act(reports_after_ms=MINUTE, status=S.FAILED, breaks_after_ms=MINUTE)
#: One ends before; at the end one is queued, and one at work; one fails after it; one never comes;
#: of one a retry is queued.
ACTS = [
    [Act(reports_after_ms=MINUTE)],
    [Act(starts_after_ms=6 * MINUTE)],
    [Act(reports_after_ms=10 * MINUTE, download_ms=MINUTE)],
    [Act(reports_after_ms=7 * MINUTE, status=S.FAILED), Act()],
    [Act(starts_after_ms=None)],
    [FAILS_LATE, Act(starts_after_ms=END)],
]


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        ("none", {S.SUCCEEDED: 5, S.QUEUED: 1}),
        ("STOP_ROLLOUT", {S.SUCCEEDED: 4, S.FAILED: 1, S.QUEUED: 1}),
        ("CANCEL", {S.SUCCEEDED: 2, S.FAILED: 1, S.CANCELED: 3}),
        ("FORCE_CANCEL", {S.SUCCEEDED: 1, S.CANCELED: 5}),
    ],
)
def test_each_end_behavior_cancels_what_the_guide_says(behavior, expected):
    end_ms = NEVER if behavior == "none" else END
    job = JobConfiguration(
        retry_criteria=(RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=1),),
        scheduling=Scheduling(end_behavior=behavior),
        rollout=Rollout(maximum_per_minute=1000),
    )
    opens = np.append(np.arange(5 if end_ms < NEVER else 60), 60)

    found = run(ListedFleet(ACTS), job, Pace(job.rollout, len(ACTS)), opens, end_ms)
    result = run_result(found, things=len(ACTS), image_bytes=1000, horizon_minutes=60)

    assert {status: n for status, n in result.by_status.items() if n} == expected
    # Its retry was cancelled before it began, so the thing is what its first attempt left.
    assert result.bricked == (1 if "CANCEL" in behavior else 0)
    assert result.downloads == 1
