"""Job payloads: read what the service sends, survive what it never would, write what it takes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.model.status import ExecutionStatus
from otactl.wire.error import WireError
from otactl.wire.job_payload import (
    MAX_DETAIL_VALUE_LENGTH,
    MAX_STATUS_DETAILS,
    JobExecution,
    decode_execution,
    decode_execution_answer,
    decode_job_rejected,
    encode_describe,
    encode_start_next,
    encode_update,
    load_object,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    [
        "jobId",
        "status",
        "jobDocument",
        "statusDetails",
        "executionNumber",
        "versionNumber",
        "queuedAt",
        "startedAt",
        "approximateSecondsBeforeTimedOut",
    ]
)


def test_a_measured_answer_is_read() -> None:
    body = json.dumps(
        {
            "clientToken": "t1",
            "timestamp": 1760000000,
            "execution": {
                "jobId": "job-1",
                "status": "IN_PROGRESS",
                "statusDetails": {"step": "accepted"},
                "queuedAt": 1759999990,
                "startedAt": 1760000000,
                "lastUpdatedAt": 1760000000,
                "versionNumber": 2,
                "executionNumber": 1,
                "approximateSecondsBeforeTimedOut": 59,
                "jobDocument": {"command": "fota"},
            },
        }
    ).encode()

    assert decode_execution_answer(body) == (
        JobExecution(
            job_id="job-1",
            status=ExecutionStatus.IN_PROGRESS,
            job_document={"command": "fota"},
            status_details={"step": "accepted"},
            execution_number=1,
            version_number=2,
            queued_at_seconds=1759999990,
        ),
        "t1",
    )


@pytest.mark.parametrize("body", [b"", b"{}", b'{"timestamp":1}', b'{"execution":{}}'])
def test_an_idle_thing_has_no_execution(body: bytes) -> None:
    assert decode_execution_answer(body) == (None, None)


def test_the_document_is_read_as_object_and_as_text() -> None:
    document = {"command": "fota", "fileSize": 3}

    for form in (document, json.dumps(document)):
        assert decode_execution({"jobId": "j", "jobDocument": form}).job_document == document


def test_quoted_numbers_are_numbers() -> None:
    # AWS's own embedded library quotes expectedVersion; nothing says the service never does.
    execution = decode_execution({"jobId": "j", "versionNumber": "7", "executionNumber": "2"})

    assert (execution.version_number, execution.execution_number) == (7, 2)


@pytest.mark.parametrize(
    "execution",
    [
        [],
        "text",
        {"status": "QUEUED"},
        {"jobId": {"a": 1}},
        {"jobId": "../other"},
        {"jobId": "j", "status": "DONE"},
        {"jobId": "j", "status": ["QUEUED"]},
        {"jobId": "j", "jobDocument": [1]},
        {"jobId": "j", "jobDocument": "[" * 100_000},
        {"jobId": "j", "jobDocument": "\ud800"},
        {"jobId": "j", "statusDetails": "x"},
        {"jobId": "j", "versionNumber": float("inf")},
        {"jobId": "j", "versionNumber": True},
        {"jobId": "j", "versionNumber": -1},
        {"jobId": "j", "executionNumber": "9" * 5000},
        {"jobId": "j", "queuedAt": "yesterday"},
    ],
)
def test_a_malformed_execution_is_refused(execution: Any) -> None:
    with pytest.raises(WireError):
        decode_execution(execution)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_break_the_readers(body: bytes) -> None:
    for read in (decode_execution_answer, decode_job_rejected, load_object):
        with contextlib.suppress(WireError):
            read(body)


@given(st.dictionaries(MEMBERS, JSON))
def test_no_execution_breaks_its_reader(fields: dict[str, Any]) -> None:
    try:
        execution = decode_execution({"jobId": "j", **fields})
    except WireError:
        return
    assert execution.version_number >= 0
    assert isinstance(execution.status, ExecutionStatus)


def test_a_refusal_says_where_the_execution_stands() -> None:
    rejected = decode_job_rejected(
        b'{"code":"VersionMismatch","message":"m","clientToken":"t",'
        b'"executionState":{"status":"IN_PROGRESS","versionNumber":5}}'
    )

    assert rejected.code == "VersionMismatch"
    assert rejected.client_token == "t"
    assert (rejected.current_status, rejected.current_version) == (ExecutionStatus.IN_PROGRESS, 5)


@pytest.mark.parametrize(
    "state", ["null", "[]", '{"status":[],"versionNumber":"5"}', '{"status":"NO"}', '{"status":{}}']
)
def test_a_refusal_with_a_strange_state_is_a_refusal_all_the_same(state: str) -> None:
    rejected = decode_job_rejected(f'{{"code":"X","executionState":{state}}}'.encode())

    assert (rejected.code, rejected.current_status) == ("X", None)
    assert rejected.current_version is None


def test_requests_carry_what_the_service_reads() -> None:
    assert json.loads(encode_start_next("t")) == {"clientToken": "t"}
    assert json.loads(encode_start_next("t", {"step": "accepted"})) == {
        "clientToken": "t",
        "statusDetails": {"step": "accepted"},
    }
    assert json.loads(encode_describe("t")) == {"clientToken": "t", "includeJobDocument": True}
    assert json.loads(
        encode_update(
            ExecutionStatus.FAILED,
            client_token="t",
            status_details={"reason": "md5"},
            expected_version=3,
            execution_number=2,
        )
    ) == {
        "status": "FAILED",
        "statusDetails": {"reason": "md5"},
        "expectedVersion": 3,
        "executionNumber": 2,
        "clientToken": "t",
    }


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=20))
def test_details_always_fit_the_service(details: dict[str, str]) -> None:
    body = encode_update(ExecutionStatus.FAILED, client_token="t", status_details=details)

    written = json.loads(body).get("statusDetails", {})
    assert len(written) == min(len(details), MAX_STATUS_DETAILS)
    assert all(0 < len(value) <= MAX_DETAIL_VALUE_LENGTH for value in written.values())
    assert all(value.isprintable() for value in written.values())
