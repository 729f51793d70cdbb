from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.wire.stream_payload import decode_bitmap, encode_bitmap


@given(st.integers(0, 500), st.sets(st.integers(0, 300)))
def test_the_blocks_come_back_as_they_went(offset: int, steps: set[int]) -> None:
    blocks = sorted(offset + step for step in steps)

    assert list(decode_bitmap(encode_bitmap(blocks, offset), offset)) == blocks


def test_the_example_of_the_developer_guide() -> None:
    assert encode_bitmap([20, 21, 24, 43], 20) == bytes.fromhex("130080")


def test_no_block_is_no_byte() -> None:
    assert encode_bitmap([], 7) == b""
    assert list(decode_bitmap(b"", 7)) == []


def test_a_block_before_the_window_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="block 4 lies before"):
        encode_bitmap([4], 5)
