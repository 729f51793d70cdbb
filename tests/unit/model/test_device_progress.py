"""Progress, steps and download times from what devices of either dialect report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.model.device_progress import DeviceProgress, download_seconds_of, progress_of
from otactl.model.status import ExecutionStatus

S = ExecutionStatus


@pytest.mark.parametrize(
    ("details", "progress", "words"),
    [
        ({}, DeviceProgress(), ""),
        ({"receive": "64/300"}, DeviceProgress("downloading", 64, 300), "downloading 64/300"),
        (
            {"self_test": "ready", "updatedBy": "0x01000000"},
            DeviceProgress("rebooting"),
            "rebooting",
        ),
        (
            {"self_test": "active", "receive": "300/300", "updatedBy": "0x01000000"},
            DeviceProgress("testing"),
            "testing",
        ),
        ({"self_test": "rejected"}, DeviceProgress("self-test rejected"), "self-test rejected"),
        (
            {"step": "verifying", "receivedBlocks": "5", "totalBlocks": "5"},
            DeviceProgress("verifying", 5, 5),
            "verifying 5/5",
        ),
        ({"receive": "64 of 300"}, DeviceProgress(), ""),
        ({"receive": "1234567890/1"}, DeviceProgress(), ""),
        ({"receive": "٣/٤"}, DeviceProgress(), ""),
        ({"receivedBlocks": "-1", "totalBlocks": "5"}, DeviceProgress("", None, 5), ""),
    ],
)
def test_what_a_device_does(details: dict[str, str], progress: DeviceProgress, words: str) -> None:
    assert progress_of(details) == progress
    assert progress.words == words


@pytest.mark.parametrize(
    ("details", "status", "seconds"),
    [
        ({"downloadTime": "12.4"}, S.SUCCEEDED, 12.4),
        ({"downloadTime": "x", "updatedBy": "v1"}, S.SUCCEEDED, None),
        ({"downloadTime": "nan"}, S.SUCCEEDED, None),
        ({"downloadTime": "1e10"}, S.SUCCEEDED, None),
        # The download is complete at the time of the report.
        ({"self_test": "ready", "updatedBy": "0x1"}, S.IN_PROGRESS, 30.0),
        ({"receive": "300/300"}, S.IN_PROGRESS, 30.0),
        ({"receive": "299/300"}, S.IN_PROGRESS, None),
        ({"self_test": "active", "updatedBy": "0x1"}, S.IN_PROGRESS, None),
        # At most the whole execution.
        ({"reason": "accepted", "updatedBy": "  v1.0.0"}, S.SUCCEEDED, 30.0),
        ({"reason": "rejected: 0x1", "updatedBy": "0x1"}, S.FAILED, None),
        ({}, S.SUCCEEDED, None),
    ],
)
def test_how_long_the_download_took(
    details: dict[str, str], status: ExecutionStatus, seconds: float | None
) -> None:
    assert download_seconds_of(details, status, 1_000, 31_000) == seconds


def test_no_time_without_times() -> None:
    assert download_seconds_of({"receive": "3/3"}, S.IN_PROGRESS, None, 5) is None
    assert download_seconds_of({"receive": "3/3"}, S.IN_PROGRESS, 5, None) is None
    assert download_seconds_of({"receive": "3/3"}, S.IN_PROGRESS, 9_000, 5_000) == 0


@given(
    st.dictionaries(
        st.sampled_from(["step", "receive", "self_test", "receivedBlocks", "downloadTime"]),
        st.text(max_size=20),
    ),
    st.sampled_from(ExecutionStatus),
)
def test_whatever_a_device_writes_is_borne(
    details: dict[str, str], status: ExecutionStatus
) -> None:
    assert isinstance(progress_of(details).words, str)
    seconds = download_seconds_of(details, status, 0, 1)
    assert seconds is None or seconds >= 0
