from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.scope import Scope
from otactl.cloud.streams.record import (
    FaultKind,
    ObjectState,
    S3Location,
    Stream,
    StreamFault,
    StreamFile,
)
from otactl.cloud.streams.store import MAX_STREAM_VERSION, StreamStore

HERE = Scope("123456789012", "us-east-1")
FILE = StreamFile(
    file_id=0,
    location=S3Location(bucket="bucket", key="key"),
    state=ObjectState(etag='"e"', size_bytes=1),
)


def create(store: StreamStore, stream_id: str, scope: Scope = HERE, now_ms: int = 0) -> Stream:
    return store.create(
        scope,
        stream_id,
        files=(FILE,),
        role_arn="arn:aws:iam::123456789012:role/r",
        description=None,
        now_ms=now_ms,
    )


def update(store: StreamStore, stream_id: str, **changes: object) -> Stream:
    members = {"files": None, "role_arn": None, "description": None, "now_ms": 5} | changes
    return store.update(HERE, stream_id, **members)


def kind_of(refused: pytest.ExceptionInfo[StreamFault]) -> FaultKind:
    return refused.value.kind


def test_versions_begin_at_1_and_count_updates() -> None:
    store = StreamStore()

    assert create(store, "s", now_ms=3).version == 1
    changed = update(store, "s", description="new")

    assert (changed.version, changed.description, changed.files) == (2, "new", (FILE,))
    assert (changed.created_at_ms, changed.last_updated_at_ms) == (3, 5)


def test_versions_end_at_65535() -> None:
    store = StreamStore()
    create(store, "s")
    for _ in range(MAX_STREAM_VERSION - 1):
        update(store, "s")

    with pytest.raises(StreamFault) as refused:
        update(store, "s")

    assert kind_of(refused) is FaultKind.LIMIT_EXCEEDED


def test_a_name_is_taken_in_its_account_and_region_only() -> None:
    store = StreamStore()
    stream = create(store, "s")

    with pytest.raises(StreamFault) as refused:
        create(store, "s")
    create(store, "s", Scope("123456789012", "eu-west-1"))
    create(store, "s", Scope("999999999999", "us-east-1"))

    assert kind_of(refused) is FaultKind.ALREADY_EXISTS
    assert refused.value.existing is not None
    assert refused.value.existing["resourceArn"] == stream.arn
    assert stream.arn == "arn:aws:iot:us-east-1:123456789012:stream/s"


def test_what_is_deleted_is_gone_and_its_name_free() -> None:
    store = StreamStore()
    create(store, "s")

    store.delete(HERE, "s")

    with pytest.raises(StreamFault) as refused:
        store.delete(HERE, "s")
    assert kind_of(refused) is FaultKind.NOT_FOUND
    assert create(store, "s").version == 1


@given(count=st.integers(0, 25), size=st.integers(1, 10), ascending=st.booleans())
def test_pages_hold_every_stream_once_in_order(*, count: int, size: int, ascending: bool) -> None:
    store = StreamStore()
    names = [create(store, f"s{number}").stream_id for number in range(count)]
    listed: list[str] = []
    token = None
    while True:
        page = store.page(HERE, max_results=size, next_token=token, ascending=ascending)
        assert len(page.streams) <= size
        listed += [stream.stream_id for stream in page.streams]
        token = page.next_token
        if token is None:
            break

    assert listed == (names if ascending else names[::-1])


@given(deleted=st.sets(st.integers(0, 9)), size=st.integers(1, 9), ascending=st.booleans())
def test_a_token_holds_while_streams_come_and_go(
    *, deleted: set[int], size: int, ascending: bool
) -> None:
    store = StreamStore()
    for number in range(10):
        create(store, f"s{number}")
    first = store.page(HERE, max_results=size, next_token=None, ascending=ascending)
    seen = {stream.stream_id for stream in first.streams}
    for number in deleted:
        store.delete(HERE, f"s{number}")

    rest = store.page(HERE, max_results=100, next_token=first.next_token, ascending=ascending)

    left = {f"s{number}" for number in range(10) if number not in deleted}
    assert {stream.stream_id for stream in rest.streams} == left - seen


@pytest.mark.parametrize("token", ["", "?", "AAAA", "YWZ0ZXI6eA=="])
def test_a_token_of_somebody_else_is_refused(token: str) -> None:
    with pytest.raises(StreamFault) as refused:
        StreamStore().page(HERE, max_results=1, next_token=token, ascending=True)

    assert kind_of(refused) is FaultKind.INVALID_REQUEST
