from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.model.status import ExecutionStatus
from otactl.wire.error import WireError
from otactl.wire.job_event import ExecutionEvent, JobEvent, JobOperation, decode_event

ARN = "arn:aws:iot:eu-central-1:123456789012:thing/t1"


def execution(event="failed", **changes):
    fields = {
        "eventType": "JOB_EXECUTION",
        "eventId": "an-id",
        "timestamp": 1_800_000_000,
        "operation": event,
        "jobId": "job",
        "thingArn": ARN,
        "status": event.upper(),
        "statusDetails": {"reason": "flash full"},
    } | changes
    return decode_event(f"$aws/events/jobExecution/job/{event}", json.dumps(fields).encode())


def test_an_execution_event_of_aws_is_read_without_a_number():
    assert execution() == ExecutionEvent(
        event_id="an-id",
        job_id="job",
        at_ms=1_800_000_000_000,
        thing_name="t1",
        status=ExecutionStatus.FAILED,
        status_details={"reason": "flash full"},
        execution_number=None,
    )


def test_a_number_is_read_where_it_is_told():
    assert execution(executionNumber=3).execution_number == 3


@pytest.mark.parametrize("number", [0, -1, "3", True, None])
def test_a_number_that_is_none_does_not_count(number):
    found = execution(executionNumber=number)
    assert found.execution_number in (None, True)
    assert found.execution_number is not True or number is True


def test_details_may_be_absent():
    assert execution(statusDetails=None).status_details == {}


def test_a_deleted_execution_has_no_status():
    assert execution("deleted").status is None


def test_every_terminal_status_has_its_event():
    for status in ExecutionStatus:
        if status.is_terminal:
            assert execution(status.value.lower()).status is status


def test_a_completed_job_tells_its_counts():
    found = decode_event(
        "$aws/events/job/job/completed",
        json.dumps(
            {
                "eventId": "e",
                "timestamp": 1_800_000_000,
                "jobProcessDetails": {"numberOfSucceededThings": 7, "numberOfFailedThings": 0},
            }
        ).encode(),
    )
    assert found == JobEvent(
        event_id="e",
        job_id="job",
        at_ms=1_800_000_000_000,
        operation=JobOperation.COMPLETED,
        counts={ExecutionStatus.SUCCEEDED: 7},
    )


def test_a_time_in_milliseconds_is_one_too():
    found = execution(timestamp=1_800_000_000_123)
    assert found.at_ms == 1_800_000_000_123


@pytest.mark.parametrize(
    "changes",
    [
        {"thingArn": "no arn"},
        {"thingArn": ARN + "/../other"},
        {"thingArn": None},
        {"timestamp": "soon"},
        {"timestamp": True},
        {"timestamp": -1},
        {"timestamp": 253_402_300_800_000},
        {"eventId": ""},
        {"eventId": 4},
    ],
)
def test_what_the_service_never_sends_is_refused(changes):
    with pytest.raises(WireError):
        execution(**changes)


@pytest.mark.parametrize(
    "topic",
    [
        "$aws/events/job/job/started",
        "$aws/events/jobExecution/job/queued/more",
        "$aws/events/jobExecution/no job/failed",
        "$aws/events/presence/connected/t1",
        "elsewhere",
    ],
)
def test_other_topics_are_none_of_ours(topic):
    assert decode_event(topic, b'{"eventId": "e", "timestamp": 1}') is None


@given(st.sampled_from(["job/job/completed", "jobExecution/job/failed"]), st.binary(max_size=200))
def test_no_bytes_break_the_reader(topic, body):
    with contextlib.suppress(WireError):
        decode_event(f"$aws/events/{topic}", body)


def test_half_of_a_surrogate_pair_becomes_text_that_can_be_written() -> None:
    assert execution(statusDetails={"reason": "a\ud800b"}).status_details == {"reason": "a?b"}
