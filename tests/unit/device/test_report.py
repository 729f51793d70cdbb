"""Reports fit what the service takes and what the monitor reads."""

from __future__ import annotations

import pytest

from otactl.device.report import DownloadCounts, final_report, progress_report, seconds
from otactl.device.state import Phase
from otactl.model.status import ExecutionStatus
from otactl.wire.job_payload import MAX_DETAIL_VALUE_LENGTH, MAX_STATUS_DETAILS

TALLY = DownloadCounts(received_blocks=64, total_blocks=256, retries=2, duration_ms=12_340)


@pytest.mark.parametrize(
    ("duration_ms", "text"), [(0, "0"), (1, "0.001"), (12_340, "12.34"), (60_000, "60")]
)
def test_durations_are_told_in_seconds(duration_ms: int, text: str) -> None:
    assert seconds(duration_ms) == text


def test_progress_says_which_block_of_how_many() -> None:
    assert progress_report(Phase.DOWNLOADING, TALLY).details == {
        "step": "downloading",
        "receivedBlocks": "64",
        "totalBlocks": "256",
        "retryCount": "2",
    }


def test_success_tells_time_retries_and_digest() -> None:
    report = final_report(
        ExecutionStatus.SUCCEEDED, Phase.REBOOTING, counts=TALLY, sha256="ab" * 32
    )

    assert report.is_final
    assert report.details == {"downloadTime": "12.34", "retryCount": "2", "sha256": "ab" * 32}


def test_a_refusal_tells_no_download_time() -> None:
    # A time of zero would drag the fleet's median down.
    report = final_report(ExecutionStatus.REJECTED, Phase.ACCEPTED, reason="no")

    assert report.details == {"step": "accepted", "reason": "no"}


def test_the_fullest_report_fits_the_service() -> None:
    details = final_report(
        ExecutionStatus.FAILED, Phase.VERIFYING, reason="x", counts=TALLY, sha256="ab" * 32
    ).details

    assert len(details) <= MAX_STATUS_DETAILS
    assert all(len(value) <= MAX_DETAIL_VALUE_LENGTH for value in details.values())
