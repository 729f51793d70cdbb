"""The block bitmap of GetStream: which blocks of a window are wanted.

Bit ``k`` of byte ``j`` stands for block ``offset + 8 * j + k``, least significant bit first. In
JSON it travels as a hex string with or without ``0x``, in CBOR as a byte string
(AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def encode_bitmap(blocks: Iterable[int], offset: int) -> bytes:
    """The bitmap that asks for these blocks in a window that starts at ``offset``.

    Raises:
        ValueError: A block lies before the window.
    """
    bits = 0
    for block in blocks:
        if block < offset:
            raise ValueError(f"block {block} lies before the window at {offset}")
        bits |= 1 << (block - offset)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def decode_bitmap(bitmap: bytes, offset: int) -> Iterator[int]:
    """The blocks a bitmap asks for, in ascending order."""
    for index, byte in enumerate(bitmap):
        for bit in range(8):
            if byte >> bit & 1:
                yield offset + 8 * index + bit
