"""The payloads of MQTT file streams, in JSON and in CBOR.

Field letters and limits: AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices; quirks of
AWS's own device libraries: aws-facts G5. Decoding does not check limits (``check_limits`` does),
because only the service must refuse values outside them; a device may read anything.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from otactl.wire.error import WireError
from otactl.wire.stream_body import dump_answer, dump_request, load_body
from otactl.wire.stream_topic import PayloadFormat

MIN_BLOCK_SIZE = 256
MAX_BLOCK_SIZE = 131072
MAX_BLOCK_OFFSET = 98304
MAX_BLOCK_COUNT = 98304
MAX_BITMAP_BYTES = 12287
#: A request yields at most this many bytes of the file; the rest needs another request.
MAX_BYTES_PER_REQUEST = 131072
#: The largest file a stream can deliver: 98304 blocks of 256 bytes.
MAX_FILE_SIZE = MAX_BLOCK_COUNT * MIN_BLOCK_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStreamRequest:
    """A request for blocks of one file.

    Attributes:
        bitmap: Which blocks of the window to send; None for ``block_count`` in a row.
        block_count: The maximum number of blocks; None lets the service decide.
        doubt: A warning about a field that AWS may read differently; may be empty.
    """

    file_id: int
    block_size: int
    block_offset: int = 0
    block_count: int | None = None
    bitmap: bytes | None = None
    stream_version: int | None = None
    client_token: str | None = None
    doubt: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStreamRequest:
    """A request for the list of a stream's files."""

    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFileSize:
    """One file of a description."""

    file_id: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescription:
    """The service's answer to a describe request."""

    stream_version: int
    files: tuple[StreamFileSize, ...]
    description: str = ""
    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataBlock:
    """One block of a file. ``payload`` is shorter than the block size only in the last block."""

    file_id: int
    block_id: int
    payload: bytes
    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRejected:
    """The service refused a request."""

    code: str
    message: str
    client_token: str | None = None


def decode_get_request(body: bytes, payload_format: PayloadFormat) -> GetStreamRequest:
    """Read a get request.

    Raises:
        WireError: It is not a map, lacks a field, or a field has the wrong type.
    """
    request = load_body(body, payload_format)
    return GetStreamRequest(
        client_token=request.token,
        file_id=request.required("f"),
        block_size=request.required("l"),
        block_offset=request.integer("o") or 0,
        block_count=request.integer("n"),
        bitmap=request.bitmap,
        stream_version=request.integer("s"),
        doubt=request.doubt,
    )


def encode_get_request(request: GetStreamRequest, payload_format: PayloadFormat) -> bytes:
    """Write a get request as a device sends it."""
    bitmap: bytes | str | None = request.bitmap
    if request.bitmap is not None and payload_format is PayloadFormat.JSON:
        bitmap = f"0x{request.bitmap.hex()}"
    return dump_request(
        {
            "c": request.client_token,
            "s": request.stream_version,
            "f": request.file_id,
            "l": request.block_size,
            "o": request.block_offset,
            "n": request.block_count,
            "b": bitmap,
        },
        payload_format,
    )


def decode_describe_request(body: bytes, payload_format: PayloadFormat) -> DescribeStreamRequest:
    """Read a describe request.

    Raises:
        WireError: It is not a map, or its token is too long.
    """
    return DescribeStreamRequest(client_token=load_body(body, payload_format).token)


def encode_description(description: StreamDescription, payload_format: PayloadFormat) -> bytes:
    """Write a description as the service sends it."""
    return dump_answer(
        {
            "c": description.client_token,
            "s": description.stream_version,
            "d": description.description,
            "r": [{"f": file.file_id, "z": file.size_bytes} for file in description.files],
        },
        payload_format,
    )


def encode_data_block(block: DataBlock, payload_format: PayloadFormat) -> bytes:
    """Write a block as the service sends it: base64 in JSON, a byte string in CBOR."""
    payload: bytes | str = block.payload
    if payload_format is PayloadFormat.JSON:
        payload = base64.b64encode(block.payload).decode()
    return dump_answer(
        {
            "c": block.client_token,
            "f": block.file_id,
            "l": len(block.payload),
            "i": block.block_id,
            "p": payload,
        },
        payload_format,
    )


def decode_data_block(body: bytes, payload_format: PayloadFormat) -> DataBlock:
    """Read a block.

    Raises:
        WireError: It is not a valid block, or ``l`` is not the payload's length.
    """
    answer = load_body(body, payload_format)
    payload = answer.fields.get("p")
    if isinstance(payload, str) and payload_format is PayloadFormat.JSON:
        try:
            payload = base64.b64decode(payload, validate=True)
        except ValueError as error:
            raise answer.misfit("p is not base64") from error
    if not isinstance(payload, bytes):
        raise answer.misfit("p must be the block's bytes")
    if answer.required("l") != len(payload):
        raise answer.refusal("l is not the payload's length")
    return DataBlock(
        file_id=answer.required("f"),
        block_id=answer.required("i"),
        payload=payload,
        client_token=answer.token,
    )


def encode_rejected(rejected: StreamRejected, payload_format: PayloadFormat) -> bytes:
    """Write a refusal. As AWS does, it has each field twice, short and long."""
    return dump_answer(
        {
            "o": rejected.code,
            "m": rejected.message,
            "c": rejected.client_token,
            "code": rejected.code,
            "message": rejected.message,
            "clientToken": rejected.client_token,
        },
        payload_format,
    )


def decode_rejected(body: bytes, payload_format: PayloadFormat) -> StreamRejected:
    """Read a refusal, by its short or its long field names.

    Raises:
        WireError: It is not a map.
    """
    fields = load_body(body, payload_format).fields
    return StreamRejected(
        code=str(fields.get("o") or fields.get("code") or "InternalError"),
        message=str(fields.get("m") or fields.get("message") or ""),
        client_token=next(
            (one for key in ("c", "clientToken") if isinstance(one := fields.get(key), str)), None
        ),
    )


def check_limits(request: GetStreamRequest) -> None:
    """Refuse a get request outside the service's limits, with the code AWS gives for it.

    Raises:
        WireError: A field is out of bounds.
    """
    token = request.client_token
    for letter, number, least, most, code in (
        ("l", request.block_size, MIN_BLOCK_SIZE, MAX_BLOCK_SIZE, "BlockSizeOutOfBounds"),
        ("o", request.block_offset, 0, MAX_BLOCK_OFFSET, "OffsetOutOfBounds"),
        ("n", request.block_count or 0, 0, MAX_BLOCK_COUNT, "BlockCountLimitExceeded"),
    ):
        if not least <= number <= most:
            raise WireError(code, f"{letter} must be {least} to {most}", client_token=token)
    if len(request.bitmap or b"") > MAX_BITMAP_BYTES:
        message = f"b must be at most {MAX_BITMAP_BYTES} bytes"
        raise WireError("BlockBitmapLimitExceeded", message, client_token=token)


# Bit ``k`` of byte ``j`` represents block ``offset + 8 * j + k``, least significant bit first. In
# JSON it is a hex string with or without ``0x``, in CBOR a byte string
# (AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices).


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
