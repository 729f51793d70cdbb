"""Whatever a user's document is, filling its placeholders gives JSON with the right types."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otactl.wire.custom_document import read_custom_document
from otactl.wire.error import WireError
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH, encode_document, signatures_in
from otactl.wire.placeholder import (
    NAMES,
    fill_image_values,
    has_image_values,
    image_value_faults,
)

SIGNATURE = b"\x30\x44" + (b"\x02\x20" + b"\x11" * 32) * 2
VALUES: dict[str, str | int | None] = {
    "streamId": "MyStream_171",
    "fileId": 171,
    "fileSize": 2**40,
    "md5": "0" * 32,
    "sha256": "ab" * 32,
    "signature": base64.b64encode(SIGNATURE).decode(),
    "url": '${aws:iot:s3-presigned-url:https://s3.eu-central-1.amazonaws.com/b/a"b}',
    "imageVer": 'v1 "β" \\ ${otactl:md5}',
    "bucket": "ota-bucket",
    "objectKey": "firmware/ab/image.bin",
}
placeholders = st.sampled_from([f"${{otactl:{name}}}" for name in NAMES])
plain = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "$" not in text)
mixed = st.tuples(plain, placeholders, plain).map("".join)
members = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain
    | placeholders
    | mixed,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(plain, members, max_size=5)


def same_but_for_placeholders(before: Any, after: Any) -> bool:
    """Whether exactly the placeholders changed, and each to its value with its type."""
    if isinstance(before, dict):
        return list(before) == list(after) and all(
            same_but_for_placeholders(before[key], after[key]) for key in before
        )
    if isinstance(before, list):
        return len(before) == len(after) and all(map(same_but_for_placeholders, before, after))
    if not isinstance(before, str) or "$" not in before:
        return type(before) is type(after) and before == after
    name = before[before.index("{otactl:") + 8 : before.index("}", before.index("{otactl:"))]
    value = VALUES[name]
    if before == f"${{otactl:{name}}}":
        return type(after) is type(value) and after == value
    return isinstance(after, str) and after == before.replace(f"${{otactl:{name}}}", str(value))


@given(documents)
def test_the_result_is_json_with_the_values_types(document: dict[str, Any]) -> None:
    assert not list(image_value_faults(document, json.dumps(document), VALUES))

    filled = fill_image_values(document, VALUES)
    assert same_but_for_placeholders(document, filled)
    try:
        text = encode_document(filled)
    except WireError:
        assert len(json.dumps(filled, ensure_ascii=False)) > MAX_JOB_DOCUMENT_LENGTH
    else:
        assert read_custom_document(text) == filled


@given(documents, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_what_only_begins_like_a_placeholder_is_refused(
    document: dict[str, Any], behind: str
) -> None:
    text = f"${{otactl:{behind}"
    wrong = document | {"here": [text]}
    name = behind.partition("}")[0]

    faults = list(image_value_faults(wrong, json.dumps(wrong, ensure_ascii=False), VALUES))

    assert has_image_values(wrong)
    assert bool(faults) == (("}" not in behind) or name not in NAMES or "otactl" in behind.lower())


@given(documents)
def test_a_signature_is_found_wherever_a_document_has_it(document: dict[str, Any]) -> None:
    text = json.dumps(fill_image_values(document | {"s": {"t": "${otactl:signature}"}}, VALUES))

    assert SIGNATURE in list(signatures_in(text))
