"""The map of received blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.device.download import BlockMap


@given(st.integers(1, 5000), st.integers(1, 700), st.sets(st.integers(0, 200)))
def test_it_remembers_exactly_the_blocks_it_was_told(
    size: int, block_size: int, blocks: set[int]
) -> None:
    block_map = BlockMap(size, block_size)
    inside = {block for block in blocks if block < block_map.total}
    for block in blocks:
        assert block_map.add(block) == (block in inside)
        assert not block_map.add(block)

    again = BlockMap(size, block_size, block_map.to_bytes())
    for one in (block_map, again):
        assert one.count == len(inside)
        assert [block for block in range(one.total) if block in one] == sorted(inside)
        assert list(one.missing()) == sorted(set(range(one.total)) - inside)
    assert block_map.is_complete == (len(inside) == block_map.total)


@given(st.integers(1, 100_000), st.integers(256, 4096))
def test_the_blocks_add_up_to_the_file(size: int, block_size: int) -> None:
    block_map = BlockMap(size, block_size)

    assert sum(map(block_map.length_of, range(block_map.total))) == size


@pytest.mark.parametrize("block", [-1, 3, 10**9])
def test_a_block_the_file_has_not_is_never_there(block: int) -> None:
    block_map = BlockMap(600, 256)

    assert not block_map.add(block)
    assert block not in block_map
    assert block_map.length_of(block) == 0


def test_bits_past_the_end_of_a_saved_map_are_ignored() -> None:
    assert BlockMap(600, 256, b"\xff" * 100).count == 3
