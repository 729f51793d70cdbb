"""The placeholders of a custom document: named, typed, and refused with their line."""

from __future__ import annotations

import json

import pytest

from otactl.wire.placeholder import fill_image_values, has_image_values, image_value_faults

VALUES: dict[str, str | int | None] = {"fileSize": 9, "md5": "ab", "url": None, "signature": None}


def test_a_string_that_is_one_placeholder_takes_the_values_type() -> None:
    document = {"size": "${otactl:fileSize}", "text": ["${otactl:fileSize} bytes", {"m": 1}]}

    assert fill_image_values(document, VALUES) == {"size": 9, "text": ["9 bytes", {"m": 1}]}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": [{"b": "x${OTACTL:md5}"}]}, True),
        ({"a": "$ { otactl"}, True),
        ({"${otactl:md5}": 1}, True),
        ({"a": "${aws:iot:x}", "b": "otactl:md5"}, False),
    ],
)
def test_what_begins_like_one_counts_as_one(document: dict[str, object], *, found: bool) -> None:
    assert has_image_values(document) is found


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ('"a": "${otactl:fileSise}"', "unknown placeholder, ${otactl:fileSise}"),
        ('"a": "${otactl:file_size}"', "unknown placeholder, ${otactl:file_size}"),
        ('"a": "${ otactl:md5}"', "unknown placeholder, ${ otactl:md5}"),
        ('"a": "${otactl:md5"', "unknown placeholder, ${otactl:md5"),
        ('"a": "${OTACTL:md5}"', "unknown placeholder, ${OTACTL:md5}"),
        ('"a": "${otactl:url}"', "${otactl:url}, and this deployment has none"),
        ('"a": "${otactl:signature}"', "${otactl:signature}, and this deployment has none"),
        ('"${otactl:md5}": 1', "in a key"),
    ],
)
def test_what_cannot_be_filled_is_told_with_its_line(member: str, words: str) -> None:
    text = '{\n "good": "${otactl:fileSize}",\n ' + member + "\n}"

    (fault,) = image_value_faults(json.loads(text), text, VALUES)

    assert words in str(fault)
    assert fault.line == 3


def test_the_hint_says_how_to_get_a_url() -> None:
    (fault,) = image_value_faults({"a": "${otactl:url}"}, "", VALUES)

    assert fault.hint is not None
    assert "usePresignedUrlConfig = True" in fault.hint
    assert fault.line is None
