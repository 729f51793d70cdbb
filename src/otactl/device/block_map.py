"""Which blocks of a file have arrived. One bit a block, least significant bit first."""

from __future__ import annotations

from collections.abc import Iterator


class BlockMap:
    """The blocks of one file.

    Args:
        size_bytes: The file's size.
        block_size: The size of every block but the last, which is what remains.
        bitmap: The blocks that are there already, as ``to_bytes`` wrote them.
    """

    __slots__ = ("_bits", "_size_bytes", "block_size", "count", "total")

    def __init__(self, size_bytes: int, block_size: int, bitmap: bytes = b"") -> None:
        self._size_bytes = size_bytes
        self.block_size = block_size
        self.total = -(-size_bytes // block_size)
        self._bits = bytearray((self.total + 7) // 8)
        self.count = 0
        for block in range(min(self.total, 8 * len(bitmap))):
            if bitmap[block >> 3] >> (block & 7) & 1:
                self.add(block)

    def __contains__(self, block: int) -> bool:
        return 0 <= block < self.total and bool(self._bits[block >> 3] >> (block & 7) & 1)

    @property
    def is_complete(self) -> bool:
        """Whether every block is there."""
        return self.count == self.total

    def length_of(self, block: int) -> int:
        """How many bytes a block has; 0 when the file has no such block."""
        if not 0 <= block < self.total:
            return 0
        return min(self.block_size, self._size_bytes - block * self.block_size)

    def add(self, block: int) -> bool:
        """Note a block. False when it was there already, or the file has no such block."""
        if not 0 <= block < self.total or block in self:
            return False
        self._bits[block >> 3] |= 1 << (block & 7)
        self.count += 1
        return True

    def missing(self, start: int = 0) -> Iterator[int]:
        """The blocks that are not there, from a block on."""
        return (block for block in range(start, self.total) if block not in self)

    def to_bytes(self) -> bytes:
        """The map, as long as it must be."""
        return bytes(self._bits)
