from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stream_description import decode_description, encode_describe_request

from otactl.wire.error import WireError
from otactl.wire.stream_payload import (
    DataBlock,
    DescribeStreamRequest,
    GetStreamRequest,
    StreamDescription,
    StreamFileSize,
    StreamRejected,
    check_limits,
    decode_data_block,
    decode_describe_request,
    decode_get_request,
    decode_rejected,
    encode_data_block,
    encode_description,
    encode_get_request,
    encode_rejected,
)
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = st.sampled_from(PayloadFormat)
TOKENS = st.none() | st.text(max_size=16).filter(lambda text: len(text.encode()) <= 64)
NUMBERS = st.integers(min_value=0, max_value=2**31)
DECODERS: list[Callable[[bytes, PayloadFormat], Any]] = [
    decode_get_request,
    decode_describe_request,
    decode_description,
    decode_data_block,
    decode_rejected,
]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
LETTERS = st.sampled_from(["c", "s", "f", "l", "o", "n", "b", "d", "r", "i", "p", "m", "code"])


@given(st.builds(
    GetStreamRequest,
    file_id=NUMBERS,
    block_size=NUMBERS,
    block_offset=NUMBERS,
    block_count=st.none() | NUMBERS,
    bitmap=st.none() | st.binary(max_size=40),
    stream_version=st.none() | NUMBERS,
    client_token=TOKENS,
), FORMATS)  # fmt: skip
def test_a_get_request_comes_back_as_it_went(
    request: GetStreamRequest, payload_format: PayloadFormat
) -> None:
    assert decode_get_request(encode_get_request(request, payload_format), payload_format) == (
        request
    )


@given(st.builds(
    DataBlock, file_id=NUMBERS, block_id=NUMBERS, payload=st.binary(), client_token=TOKENS
), FORMATS)  # fmt: skip
def test_a_block_comes_back_as_it_went(block: DataBlock, payload_format: PayloadFormat) -> None:
    assert decode_data_block(encode_data_block(block, payload_format), payload_format) == block


@given(st.builds(
    StreamDescription,
    stream_version=NUMBERS,
    files=st.lists(
        st.builds(StreamFileSize, file_id=NUMBERS, size_bytes=NUMBERS), max_size=4
    ).map(tuple),
    description=st.text(),
    client_token=TOKENS,
), FORMATS)  # fmt: skip
def test_a_description_comes_back_as_it_went(
    description: StreamDescription, payload_format: PayloadFormat
) -> None:
    encoded = encode_description(description, payload_format)

    assert decode_description(encoded, payload_format) == description


@pytest.mark.parametrize("payload_format", PayloadFormat)
def test_a_refusal_says_everything_twice_and_is_read_by_either_name(
    payload_format: PayloadFormat,
) -> None:
    rejected = StreamRejected(code="ResourceNotFound", message="none", client_token="t")
    load, dump = (
        (json.loads, lambda fields: json.dumps(fields).encode())
        if payload_format is PayloadFormat.JSON
        else (cbor2.loads, cbor2.dumps)
    )

    fields = load(encode_rejected(rejected, payload_format))

    assert (fields["o"], fields["m"], fields["c"]) == ("ResourceNotFound", "none", "t")
    long = {name: text for name, text in fields.items() if len(name) > 1}
    short = {name: text for name, text in fields.items() if len(name) == 1}
    assert decode_rejected(dump(long), payload_format) == rejected
    assert decode_rejected(dump(short), payload_format) == rejected


def refusal(decode: Callable[..., Any], body: bytes, payload_format: PayloadFormat) -> str | None:
    """The code of the refusal, None when the bytes could be read."""
    try:
        decode(body, payload_format)
    except WireError as error:
        return error.code
    return None


@given(st.binary(max_size=200), FORMATS, st.sampled_from(DECODERS))
def test_any_bytes_are_read_or_refused(
    body: bytes, payload_format: PayloadFormat, decode: Callable[..., Any]
) -> None:
    assert refusal(decode, body, payload_format) in {
        None,
        "InvalidJson",
        "InvalidCbor",
        "InvalidRequest",
    }


@given(st.dictionaries(LETTERS | st.text(max_size=2), VALUES), FORMATS, st.sampled_from(DECODERS))
def test_any_map_is_read_or_refused(
    fields: dict[str, Any], payload_format: PayloadFormat, decode: Callable[..., Any]
) -> None:
    body = json.dumps(fields).encode() if payload_format == "json" else _cbor(fields)
    unreadable = "InvalidJson" if payload_format == "json" else "InvalidCbor"
    assert refusal(decode, body, payload_format) in {None, unreadable, "InvalidRequest"}


def _cbor(fields: dict[str, Any]) -> bytes:
    try:
        return cbor2.dumps(fields)
    except UnicodeEncodeError:
        return cbor2.dumps({})  # half a surrogate pair has no CBOR spelling


@pytest.mark.parametrize(
    ("payload_format", "body", "code"),
    [
        # A fraction over zero; a map as a key; arrays without end; a length beyond all memory.
        ("cbor", bytes.fromhex("a16166d81e820100"), "InvalidCbor"),
        ("cbor", bytes.fromhex("a1a0a0"), "InvalidRequest"),
        ("cbor", b"\x9f" * 5000, "InvalidCbor"),
        ("cbor", bytes.fromhex("5b7fffffffffffffff"), "InvalidCbor"),
        ("json", b"[" * 100_000, "InvalidJson"),
        ("json", b"\xff", "InvalidJson"),
        ("json", b"9" * 5000, "InvalidJson"),
        ("json", b'{"c": "\\ud800", "f": 0, "l": 256}', "InvalidRequest"),
        ("json", b'{"c": "' + b"x" * 65 + b'", "f": 0, "l": 256}', "InvalidRequest"),
        ("json", b'{"f": true, "l": 256}', "InvalidRequest"),
        ("json", b'{"f": 1.5, "l": 256}', "InvalidRequest"),
        ("json", b'{"f": 0, "l": 256, "b": "xyz"}', "InvalidRequest"),
        ("json", b'{"f": 0, "l": 256, "b": "0xff  ff"}', "InvalidRequest"),
        ("json", b'{"f": 0, "l": 256, "b": "0x0xff"}', "InvalidRequest"),
        ("json", b'{"f": 0, "l": 256, "b": 255}', "InvalidRequest"),
        ("json", b'{"f": 0, "l": 256, "b": 7}', "InvalidRequest"),
    ],
)
def test_hostile_requests_are_refused(payload_format: str, body: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_get_request(body, PayloadFormat(payload_format))

    assert refused.value.code == code


def test_hostile_blocks_are_refused_by_the_device() -> None:
    for body in ('{"f":0,"i":0,"l":1,"p":"é"}', '{"f":0,"i":0,"l":2,"p":"AA=="}'):
        with pytest.raises(WireError):
            decode_data_block(body.encode(), PayloadFormat.JSON)


def test_the_aws_cbor_library_is_understood() -> None:
    # Six items, the bitmap as the ASCII bytes "MQ==", and a byte behind the map (aws-facts G5).
    body = cbor2.dumps({"c": "rdy", "f": 0, "l": 4096, "o": 2, "b": b"MQ==", "n": 1}) + b"\x00"

    assert decode_get_request(body, PayloadFormat.CBOR) == GetStreamRequest(
        file_id=0,
        block_size=4096,
        block_offset=2,
        block_count=1,
        bitmap=b"MQ==",
        client_token="rdy",
    )


@pytest.mark.parametrize(
    ("letter", "value"),
    [("b", "0x0F"), ("b", 15), ("c", b"rdy"), ("f", 0.0), ("l", "2048"), ("o", True), ("n", b"1")],
)
def test_a_cbor_field_of_another_type_spoils_the_message_as_on_aws(
    letter: str, value: object
) -> None:
    # Captured on AWS for the bitmap as text (aws-facts G4).
    body = cbor2.dumps({"c": "rdy", "f": 0, "l": 2048, "o": 0, "n": 1} | {letter: value})

    with pytest.raises(WireError) as refused:
        decode_get_request(body, PayloadFormat.CBOR)

    assert (refused.value.code, str(refused.value)) == ("InvalidCbor", "Invalid CBOR message")


@pytest.mark.parametrize(
    ("payload_format", "code", "message"),
    [
        ("json", "InvalidJson", "Invalid JSON message"),
        ("cbor", "InvalidCbor", "Invalid CBOR message"),
    ],
)
def test_an_unreadable_body_is_refused_in_the_services_words(
    payload_format: str, code: str, message: str
) -> None:
    with pytest.raises(WireError) as refused:
        decode_get_request(b"\xff\xff", PayloadFormat(payload_format))

    assert (refused.value.code, str(refused.value)) == (code, message)


def test_answers_in_cbor_are_maps_of_indefinite_length() -> None:
    # Seen on AWS: block 1025 of 4096 bytes, asked for with token "rdy", has 4122 bytes.
    block = encode_data_block(
        DataBlock(file_id=0, block_id=1025, payload=bytes(4096), client_token="rdy"),
        PayloadFormat.CBOR,
    )
    description = encode_description(
        StreamDescription(stream_version=1, files=(StreamFileSize(file_id=0, size_bytes=7),)),
        PayloadFormat.CBOR,
    )
    rejected = encode_rejected(
        StreamRejected(code="InvalidCbor", message="Invalid CBOR message"), PayloadFormat.CBOR
    )

    assert len(block) == 4122
    assert [(answer[0], answer[-1]) for answer in (block, description, rejected)] == [
        (0xBF, 0xFF)
    ] * 3


def test_a_device_asks_with_a_map_of_definite_length() -> None:
    request = GetStreamRequest(file_id=0, block_size=256, client_token="t")

    assert encode_get_request(request, PayloadFormat.CBOR)[0] == 0xA4


@pytest.mark.parametrize(
    ("payload_format", "bitmap", "doubtful"),
    [
        ("json", "0x0f", False),
        ("json", "0f", True),
        ("json", "0X0f", True),
        ("cbor", b"\x0f", False),
        ("cbor", b"MQ==", True),
    ],
)
def test_what_aws_may_read_in_another_way_is_said(
    payload_format: str, bitmap: object, doubtful: object
) -> None:
    fields = {"f": 0, "l": 256, "b": bitmap}
    body = json.dumps(fields).encode() if payload_format == "json" else cbor2.dumps(fields)

    assert bool(decode_get_request(body, PayloadFormat(payload_format)).doubt) is doubtful


@pytest.mark.parametrize("digits", ["0x130080", "0X130080", "130080"])
def test_a_bitmap_in_json_is_hex_with_or_without_its_prefix(digits: str) -> None:
    body = json.dumps({"f": 0, "l": 256, "b": digits}).encode()

    assert decode_get_request(body, PayloadFormat.JSON).bitmap == bytes.fromhex("130080")


def test_an_odd_number_of_digits_is_a_number_without_its_zero() -> None:
    assert decode_get_request(b'{"f":0,"l":256,"b":"f"}', PayloadFormat.JSON).bitmap == b"\x0f"


@pytest.mark.parametrize("payload_format", PayloadFormat)
def test_an_empty_describe_request_is_one(payload_format: PayloadFormat) -> None:
    assert decode_describe_request(b"", payload_format) == DescribeStreamRequest()
    request = DescribeStreamRequest(client_token="t")
    encoded = encode_describe_request(request, payload_format)
    assert decode_describe_request(encoded, payload_format) == request


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"block_size": 256}, None),
        ({"block_size": 131072}, None),
        ({"block_size": 255}, "BlockSizeOutOfBounds"),
        ({"block_size": 131073}, "BlockSizeOutOfBounds"),
        ({"block_offset": 98304}, None),
        ({"block_offset": 98305}, "OffsetOutOfBounds"),
        ({"block_offset": -1}, "OffsetOutOfBounds"),
        ({"block_count": 0}, None),
        ({"block_count": 98304}, None),
        ({"block_count": 98305}, "BlockCountLimitExceeded"),
        ({"bitmap": bytes(12287)}, None),
        ({"bitmap": bytes(12288)}, "BlockBitmapLimitExceeded"),
    ],
)
def test_limits_are_those_of_the_developer_guide(changes: dict[str, Any], code: str | None) -> None:
    request = GetStreamRequest(**({"file_id": 0, "block_size": 4096} | changes))

    if code is None:
        check_limits(request)
        return
    with pytest.raises(WireError) as refused:
        check_limits(request)
    assert refused.value.code == code
