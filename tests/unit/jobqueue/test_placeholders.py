"""A document out of the queue names no object of a stranger's bucket for AWS IoT to sign."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.trust import placeholder_refusals
from otactl.wire.custom_document import read_custom_document
from otactl.wire.job_document import encode_document, presigned_url_placeholder

OWN, OTHER = "queue-bucket", "other-bucket"
URL = "https://s3.us-east-1.amazonaws.com/{}/secret.bin"
VIRTUAL = "https://{}.s3.us-east-1.amazonaws.com/secret.bin"
PRESIGNED = "${{aws:iot:s3-presigned-url:{}}}"
SIGNED = "${{aws:iot:code-sign-signature:s3://us-east-1.{}/secret.bin@v1}}"


def refused(document: Any) -> list[str]:
    return list(placeholder_refusals(encode_document(document), {OWN}))


@pytest.mark.parametrize(
    "text",
    [
        presigned_url_placeholder("us-east-1", OWN, "firmware/a b.bin"),
        presigned_url_placeholder("cn-north-1", OWN, "firmware/a.bin"),
        PRESIGNED.format(URL.format(OWN)),
        PRESIGNED.format(VIRTUAL.format(OWN)),
        SIGNED.format(OWN),
        "no placeholder: ${name}, $aws, {aws:iot}",
    ],
)
def test_what_names_the_request_s_own_bucket_is_taken(text: str) -> None:
    assert refused({"a": text, "b": [text]}) == []


FOREIGN = [
    PRESIGNED.format(URL.format(OTHER)),
    PRESIGNED.format(VIRTUAL.format(OTHER)),
    SIGNED.format(OTHER),
    # One of its own before, behind and around does not help.
    PRESIGNED.format(URL.format(OWN)) + PRESIGNED.format(URL.format(OTHER)),
]
UNKNOWN = [
    PRESIGNED.format(URL.format(OWN)).replace("aws", "AWS"),
    "${ aws:iot:s3-presigned-url:" + URL.format(OTHER) + "}",
    "${aws:iot:s3-presigned-url-v2:" + URL.format(OWN) + "}",
    "${aws:iot:parameter:name}",
    "${aws:iot:s3-presigned-url:s3://" + OTHER + "/secret.bin}",
    PRESIGNED.format(URL.format(OWN + "/..%2f" + OTHER)),
    PRESIGNED.format(URL.format(OWN + "/../" + OTHER)),
    PRESIGNED.format(URL.format("%71ueue-bucket")),
    PRESIGNED.format("https://s3.us-east-1.amazonaws.com@evil.example/" + OWN + "/x"),
    PRESIGNED.format("https://evil.example/" + OWN + "/x"),
    PRESIGNED.format(URL.format(OWN) + "${aws:iot:s3-presigned-url:" + URL.format(OTHER) + "}"),
    SIGNED.format(OTHER + "}/" + OWN),
    "${aws:iot:s3-presigned-url:" + URL.format(OWN),
]


@pytest.mark.parametrize("text", FOREIGN + UNKNOWN)
@pytest.mark.parametrize(
    "put",
    [
        lambda text: {"a": text},
        lambda text: {text: 1},
        lambda text: {"a": [{"b": {text: [text]}}]},
        lambda text: {"a": f'quoted "{text}" \\ {text}'},
    ],
    ids=["value", "key", "nested", "within"],
)
def test_what_names_another_bucket_or_has_an_unknown_form_is_refused(put: Any, text: str) -> None:
    reasons = refused(put(text))

    assert reasons
    assert all(reason.isprintable() for reason in reasons)
    if text in FOREIGN:
        assert any(OTHER in reason and "--allow-bucket" in reason for reason in reasons)


def test_a_placeholder_that_json_escapes_hide_is_found() -> None:
    hidden = "".join(f"\\u{ord(sign):04x}" for sign in PRESIGNED.format(URL.format(OTHER)))

    assert refused(read_custom_document(f'{{"a": "{hidden}"}}'))


@given(st.text(), st.text())
def test_a_foreign_placeholder_is_found_whatever_stands_around_it(before: str, behind: str) -> None:
    text = before + PRESIGNED.format(URL.format(OTHER)) + behind
    assert refused({"a": text})
    assert json.loads(encode_document({"a": text})) == {"a": text}
