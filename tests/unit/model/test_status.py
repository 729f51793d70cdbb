"""Statuses are AWS's own words, and know which of them are final."""

from __future__ import annotations

import botocore.session
import pytest

from otactl.model.configuration.job_section import EndBehavior
from otactl.model.status import ExecutionStatus, FailureType, JobStatus, TargetSelection


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (JobStatus, "JobStatus"),
        (ExecutionStatus, "JobExecutionStatus"),
        (TargetSelection, "TargetSelection"),
        (FailureType, "JobExecutionFailureType"),
        (EndBehavior, "JobEndBehavior"),
    ],
)
def test_the_words_are_those_of_the_service_model(words: type, shape: str):
    model = botocore.session.get_session().get_service_model("iot")

    assert {word.value for word in words} == set(model.shape_for(shape).enum)  # type: ignore[attr-defined]


def test_only_queued_and_in_progress_can_change():
    changing = {status for status in ExecutionStatus if not status.is_terminal}

    assert changing == {ExecutionStatus.QUEUED, ExecutionStatus.IN_PROGRESS}


def test_all_counts_every_failure_but_neither_cancelled_nor_removed():
    assert FailureType.ALL.statuses == {
        ExecutionStatus.FAILED,
        ExecutionStatus.REJECTED,
        ExecutionStatus.TIMED_OUT,
    }
    assert FailureType.FAILED.statuses == {ExecutionStatus.FAILED}
