"""The job document: built for a thing, read by a thing that trusts nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.model.image import Image
from otactl.wire.error import WireError
from otactl.wire.job_document import (
    MAX_JOB_DOCUMENT_LENGTH,
    build_document,
    encode_document,
    parse_document,
    presigned_url_placeholder,
)

MD5 = "0123456789abcdef0123456789abcdef"
SHA256 = MD5 * 2
GOOD: dict[str, Any] = {
    "command": "fota",
    "streamId": "stream_1",
    "fileId": 1,
    "fileSize": 1000,
    "imageVer": "1.2",
    "md5sum": MD5,
}
IMAGES = st.builds(
    Image,
    size_bytes=st.integers(1, 2**40),
    file_id=st.integers(0, 255),
    stream_id=st.from_regex(r"[a-zA-Z0-9_-]{1,128}", fullmatch=True),
    version=st.none() | st.text(min_size=1),
    md5=st.none() | st.just(MD5),
    sha256=st.none() | st.just(SHA256),
    signature=st.none() | st.binary(min_size=1),
    url=st.none() | st.text(min_size=1),
)


@given(IMAGES)
def test_what_is_written_is_read_back(image: Image) -> None:
    assert parse_document(json.loads(json.dumps(build_document(image)))) == image


def test_the_manuals_document_has_the_manuals_keys() -> None:
    image = Image(size_bytes=1000, file_id=1, stream_id="stream_1", version="1.2", md5=MD5)

    assert build_document(image) == GOOD


def test_a_custom_document_keeps_its_keys_and_ours_win() -> None:
    custom = {"note": {"de": "Hallo"}, "fileSize": 5}

    document = build_document(Image(size_bytes=9, stream_id="s", md5=MD5), custom)

    assert document["note"] == {"de": "Hallo"}
    assert document["fileSize"] == 9
    assert custom["fileSize"] == 5


ALGORITHM_KEYS = ("signatureAlgorithm", "sigAlgorithm")


def test_a_signature_names_its_algorithm_for_devices_of_either_tool() -> None:
    document = build_document(Image(size_bytes=9, stream_id="s", signature=b"\x30\x01"))
    unsigned = build_document(Image(size_bytes=9, stream_id="s"))

    assert document["signature"] == "MAE="
    assert [document[key] for key in ALGORITHM_KEYS] == ["SHA256withECDSA"] * 2
    assert not {*ALGORITHM_KEYS, "signature"} & set(unsigned)


@pytest.mark.parametrize("key", ALGORITHM_KEYS)
def test_the_algorithm_is_read_by_either_name(key: str) -> None:
    document = {**GOOD, "signature": "MAE=", key: "SHA1withRSA"}

    assert parse_document(document).signature_algorithm == "SHA1withRSA"
    with pytest.raises(WireError, match="signatureAlgorithm and sigAlgorithm differ"):
        parse_document(document | dict.fromkeys(set(ALGORITHM_KEYS) - {key}, "SHA256withECDSA"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": "reboot"}, "unknown command 'reboot'"),
        ({"command": None}, "unknown command None"),
        ({"fileSize": 0}, "fileSize"),
        ({"fileSize": True}, "fileSize"),
        ({"fileSize": 1.5}, "fileSize"),
        ({"fileSize": "9" * 5000}, "fileSize"),
        ({"fileSize": "٣"}, "fileSize"),
        ({"fileId": 256}, "fileId"),
        ({"fileId": -1}, "fileId"),
        ({"streamId": ""}, "streamId"),
        ({"streamId": 7}, "streamId"),
        # A stream id becomes a level of a topic; a wildcard there would close the connection.
        ({"streamId": "a/+/b"}, "streamId"),
        ({"md5sum": "0" * 31}, "md5sum"),
        ({"md5sum": "g" * 32}, "md5sum"),
        ({"sha256": MD5}, "sha256"),
        ({"signature": "%%%"}, "signature"),
        ({"signature": "é"}, "signature"),
        ({"streamId": None}, "neither streamId nor presignedUrl"),
    ],
)
def test_a_bad_document_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError, match=message):
        parse_document({**GOOD, **change})


def test_a_size_in_quotes_is_a_size() -> None:
    # The shell scripts of the manual write every value as a string.
    assert parse_document({**GOOD, "fileSize": "1000", "fileId": "1"}).size_bytes == 1000


def test_digests_are_compared_in_one_case() -> None:
    assert parse_document({**GOOD, "md5sum": MD5.upper()}).md5 == MD5


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "sha256", "signature", *ALGORITHM_KEYS, "presignedUrl"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.lists(st.integers())
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_no_document_breaks_the_reader(change: dict[str, Any]) -> None:
    try:
        image = parse_document({**GOOD, **change})
    except WireError:
        return
    assert image.size_bytes >= 1
    assert image.stream_id is not None or image.url is not None


def test_the_document_may_be_as_long_as_aws_takes_and_no_longer() -> None:
    empty = len(encode_document({"a": ""}))

    assert len(encode_document({"a": "x" * (MAX_JOB_DOCUMENT_LENGTH - empty)})) == 32768
    with pytest.raises(WireError, match="32769 characters"):
        encode_document({"a": "x" * (MAX_JOB_DOCUMENT_LENGTH - empty + 1)})


def test_the_placeholder_is_the_one_the_service_replaces() -> None:
    assert presigned_url_placeholder("eu-central-1", "b", "k/f.bin") == (
        "${aws:iot:s3-presigned-url:https://s3.eu-central-1.amazonaws.com/b/k/f.bin}"
    )


def test_the_placeholder_of_a_region_in_china_has_its_own_host() -> None:
    assert "https://s3.cn-north-1.amazonaws.com.cn/b/k}" in presigned_url_placeholder(
        "cn-north-1", "b", "k"
    )
