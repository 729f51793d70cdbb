"""What is read of the answers of IoT Jobs."""

from __future__ import annotations

from otactl.aws.jobs import job_description, thing_outcome
from otactl.deploy.journal import ROUND_RESULT
from otactl.model.outcome import DownloadSeconds, RoundResult
from otactl.model.status import ExecutionStatus

HALF = "flash \ud800 full"


def test_half_of_a_surrogate_pair_that_a_device_reports_can_be_recorded() -> None:
    outcome = thing_outcome("thing-1", {"status": "FAILED"}, {"reason": HALF})
    result = RoundResult(
        round=1,
        status="COMPLETED",
        counts={ExecutionStatus.FAILED: 1},
        duration_seconds=1,
        download_seconds=DownloadSeconds(),
        outcomes=(outcome,),
    )
    assert b"flash ? full" in ROUND_RESULT.dump_json(result)


def test_half_of_a_surrogate_pair_in_a_comment_is_no_fault_of_the_job() -> None:
    job = job_description({"jobId": "job", "status": "CANCELED", "comment": HALF})
    assert job.comment == "flash ? full"
