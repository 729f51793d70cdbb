from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.wire.custom_document import DocumentFault, read_custom_document


def test_a_document_keeps_its_keys_and_their_order():
    assert list(read_custom_document('\ufeff{"b": 1, "a": [1.5, null, "é"]}').items()) == [
        ("b", 1),
        ("a", [1.5, None, "é"]),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("null", "not an object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": [{"b": 1, "c": 2, "b": 3}]}', "the key 'b' twice in one object"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": -1e999}', "-1e999"),
        ('{"a": ' + "9" * 4301 + "}", "4301 digits"),
        ('{"\\udc00": 1}', "\\udc00"),
        ("[" * 30_000, "nested too deeply"),
    ],
)
def test_what_json_cannot_say_is_refused(text, words):
    with pytest.raises(DocumentFault) as raised:
        read_custom_document(text)

    assert words in str(raised.value)


@given(st.text() | st.recursive(st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_read_can_be_written_for_aws(text):
    try:
        document = read_custom_document(text)
    except DocumentFault:
        return
    written = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()

    assert json.loads(written) == document
