from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.order import (
    Priority,
    added_ms_of,
    deployment_id_of,
    job_id_of,
    new_stamp,
    order_key,
    order_keys_of,
    priority_of,
    stamp_of,
    stream_id_of,
)
from otactl.model.identifier import MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY, is_job_id

MOMENTS = st.integers(0, 4_000_000_000_000)


def test_a_stamp_is_readable_utc_with_milliseconds() -> None:
    assert new_stamp(1_795_000_000_007, b"\x7f\x3a\x9c") == "20261118-110640-007-7f3a9c"


@given(earlier=MOMENTS, later=MOMENTS, first=st.binary(min_size=3, max_size=3))
def test_stamps_sort_by_time(earlier: int, later: int, first: bytes) -> None:
    if earlier < later:
        assert new_stamp(earlier, first) < new_stamp(later, b"\0\0\0")


def test_high_goes_before_normal_before_low_whatever_their_age() -> None:
    oldest, newest = new_stamp(0, b"abc"), new_stamp(4_000_000_000_000, b"abc")
    keys = [
        order_key(newest, Priority.HIGH),
        order_key(oldest, Priority.NORMAL),
        order_key(newest, Priority.NORMAL),
        order_key(oldest, Priority.LOW),
    ]

    # DynamoDB sorts texts by their UTF-8 bytes.
    assert all(first.encode() < second.encode() for first, second in pairwise(keys))


def test_a_request_of_the_old_script_stands_among_ours() -> None:
    old = "20261118-110640"
    before, after = new_stamp(1_794_999_999_999, b"zzz"), new_stamp(1_795_000_000_000, b"\0\0\0")

    assert sorted([after, old, before]) == [before, old, after]
    assert job_id_of(old) == "jobId_20261118-110640"
    assert added_ms_of(old) == 1_795_000_000_000
    assert old in order_keys_of("jobId_20261118-110640")


@given(moment=MOMENTS, suffix=st.binary(min_size=3, max_size=3), priority=st.sampled_from(Priority))
def test_the_id_and_the_key_lead_to_each_other(
    moment: int, suffix: bytes, priority: Priority
) -> None:
    key = order_key(new_stamp(moment, suffix), priority)

    assert key in order_keys_of(job_id_of(key))
    assert priority_of(key) is priority
    assert added_ms_of(key) == moment
    assert is_job_id(job_id_of(key))


@pytest.mark.parametrize(
    "text", ["", "jobId_", "jobId_2026", "x", "../x", "jobId_99999999-999999x"]
)
def test_what_is_no_id_has_no_key(text: str) -> None:
    assert order_keys_of(text) == ()


@pytest.mark.parametrize("key", ["", "yesterday", "99999999-999999"])
def test_a_key_of_another_tool_tells_no_time(key: str) -> None:
    assert added_ms_of(key) is None
    assert deployment_id_of(key, "job", 1).startswith("19700101T000000Z-")


def test_every_worker_computes_the_same_deployment_and_each_run_another() -> None:
    key = order_key(new_stamp(1_795_000_000_007, b"abc"), Priority.HIGH)

    first = deployment_id_of(key, job_id_of(key), 1)

    assert first == deployment_id_of(key, job_id_of(key), 1)
    assert first != deployment_id_of(key, job_id_of(key), 2)
    assert first.startswith("20261118T110640Z-")


def test_a_stream_name_with_its_file_id_fits_the_embedded_library() -> None:
    stream_id = stream_id_of(new_stamp(1_795_000_000_007, b"abc"))

    assert len(f"{stream_id}_255") <= MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY
    assert stamp_of("!x") == stamp_of("~x") == stamp_of("x")
