from __future__ import annotations

import contextlib
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.streams.constraint import check_request
from otactl.cloud.streams.fault import FaultKind, StreamFault

MODEL = botocore.session.get_session().get_service_model("iot")
OPERATIONS = ("CreateStream", "UpdateStream", "DescribeStream", "ListStreams", "DeleteStream")
GOOD = {
    "streamId": "s",
    "files": [{"fileId": 255, "s3Location": {"bucket": "b", "key": "k"}}],
    "roleArn": "arn:aws:iam::123456789012:role/r",
}


def shape(operation: str) -> Any:
    return MODEL.operation_model(operation).input_shape


def message(changes: dict[str, Any], operation: str = "CreateStream") -> str:
    with pytest.raises(StreamFault) as refused:
        check_request(shape(operation), GOOD | changes)
    assert refused.value.kind is FaultKind.INVALID_REQUEST
    return str(refused.value)


def test_a_good_request_passes() -> None:
    check_request(shape("CreateStream"), GOOD)
    check_request(shape("CreateStream"), GOOD | {"description": "ä ö", "tags": [{"Key": "k 1"}]})


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"streamId": ""}, "at 'streamId' failed to satisfy constraint: Member must have length"),
        ({"streamId": "x" * 129}, "Member must have length less than or equal to 128"),
        ({"streamId": "a b"}, "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"),
        ({"streamId": "a\n"}, "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"),
        ({"files": []}, "Value '[]' at 'files'"),
        ({"files": GOOD["files"] * 51}, "Member must have length less than or equal to 50"),
        ({"files": [{"fileId": -1}]}, "Value '-1' at 'files.1.member.fileId'"),
        ({"files": [{"fileId": True}]}, "Member must be of type integer"),
        ({"files": [7]}, "Value '7' at 'files.1.member'"),
        ({"description": "x" * 2029}, "Member must have length less than or equal to 2028"),
        ({"description": "a\tb"}, r"pattern: [^\p{C}]+"),
        ({"roleArn": "x" * 2049}, "Member must have length less than or equal to 2048"),
        ({"tags": [{"Key": "a*"}]}, r"pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"),
    ],
)  # fmt: skip
def test_a_violation_is_named_as_the_service_does(changes: dict[str, Any], clause: str) -> None:
    text = message(changes)

    assert text.startswith("1 validation error detected: ")
    assert clause in text


def test_a_missing_member_is_null() -> None:
    assert message({"files": None, "roleArn": None}) == (
        "2 validation errors detected: "
        "Value null at 'files' failed to satisfy constraint: Member must not be null; "
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
    )


def test_every_pattern_of_the_model_can_be_checked() -> None:
    # A Unicode class that we do not know would otherwise come up in a rehearsal first.
    def strings(found: Any) -> list[Any]:
        if found.type_name == "structure":
            return [inner for member in found.members.values() for inner in strings(member)]
        if found.type_name == "list":
            return strings(found.member)
        return [found] if found.type_name == "string" else []

    for operation in OPERATIONS:
        for string in strings(shape(operation)):
            for text in ("a", "ä", "\u200b", "a b", "a\u0000"):
                with contextlib.suppress(StreamFault):
                    check_request(string, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*GOOD, "fileId", "s3Location", "Key"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(OPERATIONS), st.dictionaries(st.sampled_from([*GOOD, "tags"]), VALUES))
def test_any_request_passes_or_is_refused(operation: str, members: dict[str, Any]) -> None:
    try:
        check_request(shape(operation), members)
    except StreamFault as fault:
        refused = fault.kind
    else:
        refused = FaultKind.INVALID_REQUEST
    assert refused is FaultKind.INVALID_REQUEST
