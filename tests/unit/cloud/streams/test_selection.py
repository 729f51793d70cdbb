from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.streams.selection import select_blocks
from otactl.wire.error import WireError
from otactl.wire.stream_payload import (
    MAX_BLOCK_SIZE,
    MAX_BYTES_PER_REQUEST,
    MIN_BLOCK_SIZE,
    GetStreamRequest,
    encode_bitmap,
)

SIZES = st.integers(MIN_BLOCK_SIZE, MAX_BLOCK_SIZE)


def request(**fields: int | bytes | None) -> GetStreamRequest:
    return GetStreamRequest(**({"file_id": 0, "block_size": 256} | fields))


def refusal(asked: GetStreamRequest, file_size: int) -> str:
    with pytest.raises(WireError) as refused:
        select_blocks(asked, file_size)
    return refused.value.code


def test_the_default_count_fills_128_kib() -> None:
    assert select_blocks(request(block_size=4096), 2**20) == tuple(range(32))
    assert select_blocks(request(block_size=131072), 2**20) == (0,)
    assert select_blocks(request(block_size=100_000), 2**20) == (0,)


def test_more_than_128_kib_is_no_error_and_must_be_asked_again() -> None:
    assert select_blocks(request(block_size=65536, block_count=10), 2**20) == (0, 1)
    bitmap = encode_bitmap(range(5), 0)
    assert select_blocks(request(block_size=65536, bitmap=bitmap), 2**20) == (0, 1)


def test_what_lies_behind_the_end_is_left_out_of_a_row() -> None:
    assert select_blocks(request(block_offset=2, block_count=9), 256 * 4 + 1) == (2, 3, 4)
    assert select_blocks(request(), 1) == (0,)


def test_a_row_that_begins_behind_the_end_is_not_found() -> None:
    assert refusal(request(block_offset=4), 4 * 256) == "ResourceNotFound"
    assert refusal(request(), 0) == "ResourceNotFound"


def test_a_bitmap_that_reaches_behind_the_end_is_refused_whole() -> None:
    # 127762 bytes in blocks of 2048: the last block is 62 (aws-iot-mqtt-download-agent, issue 4).
    asked = request(block_size=2048, bitmap=b"\xff" * 8)
    assert refusal(asked, 127762) == "InvalidRequest"


def test_the_count_caps_a_bitmap_before_its_end_is_looked_at() -> None:
    # "MQ==" has bits 0, 2, 3, 6, 8, …; the library means the one block at the offset.
    asked = request(block_offset=62, block_size=2048, block_count=1, bitmap=b"MQ==")
    assert select_blocks(asked, 127762) == (62,)


def test_no_block_at_all_is_refused() -> None:
    assert refusal(request(block_count=0), 1000) == "InvalidRequest"
    assert refusal(request(bitmap=b""), 1000) == "InvalidRequest"
    assert refusal(request(bitmap=b"\x00"), 1000) == "InvalidRequest"


@given(SIZES, st.integers(1, 2**21), st.data())
def test_a_bitmap_gets_its_first_blocks_and_no_other(
    block_size: int, file_size: int, data: st.DataObject
) -> None:
    last = -(-file_size // block_size) - 1
    offset = data.draw(st.integers(0, last))
    wanted = sorted(data.draw(st.sets(st.integers(offset, last), min_size=1, max_size=60)))
    asked = request(
        block_size=block_size, block_offset=offset, bitmap=encode_bitmap(wanted, offset)
    )

    found = select_blocks(asked, file_size)

    assert list(found) == wanted[: MAX_BYTES_PER_REQUEST // block_size]


@given(SIZES, st.integers(0, 2**21), st.integers(0, 9000), st.none() | st.integers(0, 98304))
def test_an_answer_is_never_empty_never_too_large_and_never_outside(
    block_size: int, file_size: int, offset: int, count: int | None
) -> None:
    asked = request(block_size=block_size, block_offset=offset, block_count=count)
    try:
        blocks = select_blocks(asked, file_size)
    except WireError:
        assert offset * block_size >= file_size or count == 0
        return
    assert 0 < len(blocks) * block_size <= MAX_BYTES_PER_REQUEST
    assert blocks[0] == offset
    assert blocks[-1] * block_size < file_size
