"""The payloads of MQTT file streams, in JSON and in CBOR.

Field letters and limits: AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices; quirks of
AWS's own device libraries: aws-facts G5. Limits are the reader's business (``check_limits``),
because only the service must refuse what lies outside; a device may read anything.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from typing import Any

import cbor2

from otactl.wire.error import WireError
from otactl.wire.stream_topic import PayloadFormat

MIN_BLOCK_SIZE = 256
MAX_BLOCK_SIZE = 131072
MAX_BLOCK_OFFSET = 98304
MAX_BLOCK_COUNT = 98304
MAX_BITMAP_BYTES = 12287
MAX_CLIENT_TOKEN_BYTES = 64
#: A request never yields more than this many bytes of the file; the rest must be asked for again.
MAX_BYTES_PER_REQUEST = 131072
#: The largest file a stream can deliver: 98304 blocks of 256 bytes.
MAX_FILE_SIZE = MAX_BLOCK_COUNT * MIN_BLOCK_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStreamRequest:
    """A device asks for blocks of one file.

    Attributes:
        bitmap: Which blocks of the window are wanted; None asks for ``block_count`` in a row.
        block_count: How many blocks at most; None leaves it to the service.
    """

    file_id: int
    block_size: int
    block_offset: int = 0
    block_count: int | None = None
    bitmap: bytes | None = None
    stream_version: int | None = None
    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStreamRequest:
    """A device asks what files a stream holds."""

    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFileSize:
    """One file of a description: id and size in bytes."""

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


#: What the readers of JSON and CBOR raise for bytes from a stranger. A CBOR tag can ask for any
#: arithmetic, and a map can have a key that is no key in Python.
_UNREADABLE = (ValueError, TypeError, ArithmeticError, EOFError, RecursionError, MemoryError)


def _load(body: bytes, payload_format: PayloadFormat) -> dict[str, Any]:
    """Read a map, or raise with the code AWS gives for a body that is none."""
    code = "InvalidJson" if payload_format is PayloadFormat.JSON else "InvalidCbor"
    try:
        if payload_format is PayloadFormat.JSON:
            # An empty body is an empty request: describe needs no field at all.
            fields = json.loads(body) if body else {}
        else:
            # AWS's CBOR library sends some maps with bytes behind them; only the first item counts.
            fields = cbor2.load(io.BytesIO(body)) if body else {}
    except (*_UNREADABLE, cbor2.CBORDecodeError) as error:
        raise WireError(code, f"the payload is not {payload_format}: {error}") from error
    if not isinstance(fields, dict):
        raise WireError(code, f"the payload is not a {payload_format} map")
    return {key: field for key, field in fields.items() if isinstance(key, str)}


def _dump(fields: dict[str, Any], payload_format: PayloadFormat) -> bytes:
    present = {key: field for key, field in fields.items() if field is not None}
    if payload_format is PayloadFormat.CBOR:
        return cbor2.dumps(present)
    return json.dumps(present, separators=(",", ":")).encode()


def _fits(token: str) -> bool:
    try:
        return len(token.encode()) <= MAX_CLIENT_TOKEN_BYTES
    except UnicodeEncodeError:
        return False  # JSON can spell half a surrogate pair, which is no text


def _token(fields: dict[str, Any]) -> str | None:
    token = fields.get("c")
    if token is None:
        return None
    if not isinstance(token, str) or not _fits(token):
        raise WireError(
            "InvalidRequest", f"c must be a string of at most {MAX_CLIENT_TOKEN_BYTES} bytes"
        )
    return token


def _integer(fields: dict[str, Any], letter: str, token: str | None) -> int | None:
    number = fields.get(letter)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int):
        raise WireError("InvalidRequest", f"{letter} must be a whole number", client_token=token)
    return number


def _required(fields: dict[str, Any], letter: str, token: str | None) -> int:
    number = _integer(fields, letter, token)
    if number is None:
        raise WireError("InvalidRequest", f"{letter} is missing", client_token=token)
    return number


def _read_bitmap(fields: dict[str, Any], token: str | None) -> bytes | None:
    bitmap = fields.get("b")
    if bitmap is None or isinstance(bitmap, bytes):
        return bitmap
    if isinstance(bitmap, str):
        digits = bitmap.removeprefix("0x").removeprefix("0X")
        try:
            return bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
        except ValueError:
            pass
    raise WireError("InvalidRequest", "b must be a bitmap in hex", client_token=token)


def decode_get_request(body: bytes, payload_format: PayloadFormat) -> GetStreamRequest:
    """Read a get request.

    Raises:
        WireError: It is no map, lacks a field, or a field has the wrong type.
    """
    fields = _load(body, payload_format)
    token = _token(fields)
    return GetStreamRequest(
        file_id=_required(fields, "f", token),
        block_size=_required(fields, "l", token),
        block_offset=_integer(fields, "o", token) or 0,
        block_count=_integer(fields, "n", token),
        bitmap=_read_bitmap(fields, token),
        stream_version=_integer(fields, "s", token),
        client_token=token,
    )


def encode_get_request(request: GetStreamRequest, payload_format: PayloadFormat) -> bytes:
    """Write a get request as a device sends it."""
    bitmap: bytes | str | None = request.bitmap
    if request.bitmap is not None and payload_format is PayloadFormat.JSON:
        bitmap = request.bitmap.hex()
    return _dump(
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
        WireError: It is no map, or its token is too long.
    """
    return DescribeStreamRequest(client_token=_token(_load(body, payload_format)))


def encode_describe_request(request: DescribeStreamRequest, payload_format: PayloadFormat) -> bytes:
    """Write a describe request as a device sends it."""
    return _dump({"c": request.client_token}, payload_format)


def encode_description(description: StreamDescription, payload_format: PayloadFormat) -> bytes:
    """Write a description as the service sends it."""
    return _dump(
        {
            "c": description.client_token,
            "s": description.stream_version,
            "d": description.description,
            "r": [{"f": file.file_id, "z": file.size_bytes} for file in description.files],
        },
        payload_format,
    )


def decode_description(body: bytes, payload_format: PayloadFormat) -> StreamDescription:
    """Read a description.

    Raises:
        WireError: It is not what the service sends.
    """
    fields = _load(body, payload_format)
    token = _token(fields)
    files = fields.get("r")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise WireError("InvalidRequest", "r must be a list of files", client_token=token)
    return StreamDescription(
        stream_version=_required(fields, "s", token),
        description=str(fields.get("d") or ""),
        files=tuple(
            StreamFileSize(
                file_id=_required(file, "f", token), size_bytes=_required(file, "z", token)
            )
            for file in files
        ),
        client_token=token,
    )


def encode_data_block(block: DataBlock, payload_format: PayloadFormat) -> bytes:
    """Write a block as the service sends it: base64 in JSON, a byte string in CBOR."""
    payload: bytes | str = block.payload
    if payload_format is PayloadFormat.JSON:
        payload = base64.b64encode(block.payload).decode()
    return _dump(
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
        WireError: It is not what the service sends, or ``l`` contradicts the payload's length.
    """
    fields = _load(body, payload_format)
    token = _token(fields)
    payload = fields.get("p")
    if isinstance(payload, str) and payload_format is PayloadFormat.JSON:
        try:
            payload = base64.b64decode(payload, validate=True)
        except ValueError as error:
            raise WireError("InvalidJson", "p is not base64", client_token=token) from error
    if not isinstance(payload, bytes):
        raise WireError("InvalidRequest", "p must be the block's bytes", client_token=token)
    if _required(fields, "l", token) != len(payload):
        raise WireError("InvalidRequest", "l is not the payload's length", client_token=token)
    return DataBlock(
        file_id=_required(fields, "f", token),
        block_id=_required(fields, "i", token),
        payload=payload,
        client_token=token,
    )


def encode_rejected(rejected: StreamRejected, payload_format: PayloadFormat) -> bytes:
    """Write a refusal. AWS sends each field twice, short and long; so do we."""
    return _dump(
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
        WireError: It is no map.
    """
    fields = _load(body, payload_format)
    return StreamRejected(
        code=str(fields.get("o") or fields.get("code") or "InternalError"),
        message=str(fields.get("m") or fields.get("message") or ""),
        client_token=next(
            (token for token in (fields.get("c"), fields.get("clientToken")) if _is_text(token)),
            None,
        ),
    )


def _is_text(token: Any) -> bool:
    return isinstance(token, str)


def check_limits(request: GetStreamRequest) -> None:
    """Refuse a get request outside the service's limits, with the code AWS gives for it.

    Raises:
        WireError: A field is out of bounds.
    """
    checks = (
        (
            MIN_BLOCK_SIZE <= request.block_size <= MAX_BLOCK_SIZE,
            "BlockSizeOutOfBounds",
            f"l must be {MIN_BLOCK_SIZE} to {MAX_BLOCK_SIZE}",
        ),
        (
            0 <= request.block_offset <= MAX_BLOCK_OFFSET,
            "OffsetOutOfBounds",
            f"o must be 0 to {MAX_BLOCK_OFFSET}",
        ),
        (
            request.block_count is None or 0 <= request.block_count <= MAX_BLOCK_COUNT,
            "BlockCountLimitExceeded",
            f"n must be 0 to {MAX_BLOCK_COUNT}",
        ),
        (
            request.bitmap is None or len(request.bitmap) <= MAX_BITMAP_BYTES,
            "BlockBitmapLimitExceeded",
            f"b must be at most {MAX_BITMAP_BYTES} bytes",
        ),
    )
    for holds, code, message in checks:
        if not holds:
            raise WireError(code, message, client_token=request.client_token)
