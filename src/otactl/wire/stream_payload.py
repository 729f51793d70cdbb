"""The payloads of MQTT file streams, in JSON and in CBOR.

Field letters and limits: AWS IoT Developer Guide, mqtt-based-file-delivery-in-devices; quirks of
AWS's own device libraries: aws-facts G5. Limits are the reader's business (``check_limits``),
because only the service must refuse what lies outside; a device may read anything.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
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
        doubt: What AWS may read in another way than this reader; empty if nothing.
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


#: What AWS answers to a body that it cannot read (aws-facts G4; the wording of CBOR's was captured,
#: aws-iot-mqtt-download-agent issue 3; that of JSON's follows it).
_UNREADABLE_BODY = {
    PayloadFormat.JSON: ("InvalidJson", "Invalid JSON message"),
    PayloadFormat.CBOR: ("InvalidCbor", "Invalid CBOR message"),
}

#: The bitmap of AWS's own CBOR library, whatever it wants: base64 text as bytes (aws-facts G5).
_CONSTANT_CBOR_BITMAP = b"MQ=="


@dataclass(frozen=True, slots=True)
class _Fields:
    """A map from a stranger, read field by field."""

    payload_format: PayloadFormat
    fields: dict[str, Any]

    def misfit(self, message: str) -> WireError:
        """The refusal of a field of another type.

        A CBOR field of another type spoils the whole message for AWS (aws-facts G4).
        """
        if self.payload_format is PayloadFormat.CBOR:
            return WireError(*_UNREADABLE_BODY[PayloadFormat.CBOR], client_token=self._known_token)
        return self.refusal(message)

    def refusal(self, message: str) -> WireError:
        """The refusal of what can be read and is not allowed."""
        return WireError("InvalidRequest", message, client_token=self._known_token)

    @property
    def _known_token(self) -> str | None:
        token = self.fields.get("c")
        return token if isinstance(token, str) and _fits(token) else None

    @property
    def token(self) -> str | None:
        """The client token, if there is one."""
        token = self.fields.get("c")
        message = f"c must be a string of at most {MAX_CLIENT_TOKEN_BYTES} bytes"
        if token is not None and not isinstance(token, str):
            raise self.misfit(message)
        if token is not None and not _fits(token):
            raise self.refusal(message)
        return token

    def integer(self, letter: str) -> int | None:
        """A whole number, if there is one."""
        number = self.fields.get(letter)
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.misfit(f"{letter} must be a whole number")
        return number

    def required(self, letter: str) -> int:
        """A whole number that must be there."""
        number = self.integer(letter)
        if number is None:
            raise self.refusal(f"{letter} is missing")
        return number

    @property
    def bitmap(self) -> bytes | None:
        """The bitmap: hex digits in JSON, a byte string in CBOR, never the other's form."""
        bitmap = self.fields.get("b")
        if bitmap is None:
            return None
        if self.payload_format is PayloadFormat.CBOR:
            if not isinstance(bitmap, bytes):
                raise self.misfit("b must be a byte string")
            return bitmap
        if isinstance(bitmap, str):
            digits = bitmap.removeprefix("0x").removeprefix("0X")
            try:
                return bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
            except ValueError:
                pass
        raise self.refusal("b must be a bitmap in hex")

    @property
    def doubt(self) -> str:
        """What AWS may read in another way, in words; empty if nothing."""
        bitmap = self.fields.get("b")
        if isinstance(bitmap, str) and not bitmap.startswith("0x"):
            return "the bitmap b has no 0x in front; AWS was seen to refuse one"
        if bitmap == _CONSTANT_CBOR_BITMAP:
            return (
                "the bitmap b is the constant MQ== of AWS's CBOR library, read as bytes here;"
                " only requests for one block (n = 1) are safe"
            )
        return ""


def _load(body: bytes, payload_format: PayloadFormat) -> _Fields:
    """Read a map, or raise with the code AWS gives for a body that is none."""
    unreadable = WireError(*_UNREADABLE_BODY[payload_format])
    try:
        if payload_format is PayloadFormat.JSON:
            # An empty body is an empty request: describe needs no field at all.
            fields = json.loads(body) if body else {}
        else:
            # AWS's CBOR library sends some maps with bytes behind them; only the first item counts.
            fields = cbor2.load(io.BytesIO(body)) if body else {}
    except (*_UNREADABLE, cbor2.CBORDecodeError) as error:
        raise unreadable from error
    if not isinstance(fields, dict):
        raise unreadable
    return _Fields(payload_format, {k: field for k, field in fields.items() if isinstance(k, str)})


def _dump(
    fields: dict[str, Any], payload_format: PayloadFormat, *, indefinite: bool = False
) -> bytes:
    present = {key: field for key, field in fields.items() if field is not None}
    if payload_format is PayloadFormat.CBOR:
        return cbor2.dumps(present, indefinite_containers=indefinite)
    return json.dumps(present, separators=(",", ":")).encode()


def _dump_answer(fields: dict[str, Any], payload_format: PayloadFormat) -> bytes:
    """Write an answer as AWS does: in CBOR as a map of indefinite length (aws-facts G4)."""
    return _dump(fields, payload_format, indefinite=True)


def _fits(token: str) -> bool:
    try:
        return len(token.encode()) <= MAX_CLIENT_TOKEN_BYTES
    except UnicodeEncodeError:
        return False  # JSON can spell half a surrogate pair, which is no text


def decode_get_request(body: bytes, payload_format: PayloadFormat) -> GetStreamRequest:
    """Read a get request.

    Raises:
        WireError: It is no map, lacks a field, or a field has the wrong type.
    """
    request = _load(body, payload_format)
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
    return DescribeStreamRequest(client_token=_load(body, payload_format).token)


def encode_describe_request(request: DescribeStreamRequest, payload_format: PayloadFormat) -> bytes:
    """Write a describe request as a device sends it."""
    return _dump({"c": request.client_token}, payload_format)


def encode_description(description: StreamDescription, payload_format: PayloadFormat) -> bytes:
    """Write a description as the service sends it."""
    return _dump_answer(
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
    answer = _load(body, payload_format)
    files = answer.fields.get("r")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise answer.misfit("r must be a list of files")
    entries = [_Fields(payload_format, file) for file in files]
    return StreamDescription(
        client_token=answer.token,
        stream_version=answer.required("s"),
        description=str(answer.fields.get("d") or ""),
        files=tuple(
            StreamFileSize(file_id=entry.required("f"), size_bytes=entry.required("z"))
            for entry in entries
        ),
    )


def encode_data_block(block: DataBlock, payload_format: PayloadFormat) -> bytes:
    """Write a block as the service sends it: base64 in JSON, a byte string in CBOR."""
    payload: bytes | str = block.payload
    if payload_format is PayloadFormat.JSON:
        payload = base64.b64encode(block.payload).decode()
    return _dump_answer(
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
    answer = _load(body, payload_format)
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
    """Write a refusal. AWS sends each field twice, short and long; so do we."""
    return _dump_answer(
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
    fields = _load(body, payload_format).fields
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
