from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.constraint import message_of, violations

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
    return message_of(violations(shape(operation), GOOD | changes))


def test_a_good_request_passes() -> None:
    more = {"description": "ä ö", "tags": [{"Key": "k 1"}]}

    assert violations(shape("CreateStream"), GOOD) == []
    assert violations(shape("CreateStream"), GOOD | more) == []


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


@pytest.mark.parametrize("service", ["iot", "iot-data", "iot-jobs-data"])
def test_every_pattern_of_the_model_can_be_checked(service: str) -> None:
    # A Unicode class that we do not know would otherwise come up in a rehearsal first.
    model = botocore.session.get_session().get_service_model(service)
    shapes = [model.shape_for(name) for name in model.shape_names]

    for string in (one for one in shapes if one.metadata.get("pattern")):
        for text in ("a", "ä", "\u200b", "a b", "a\u0000"):
            violations(string, text)


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
    assert all("failed to satisfy" in clause for clause in violations(shape(operation), members))


@pytest.mark.parametrize(
    ("service", "operation", "members", "clause"),
    [
        ("iot", "CancelJob", {"jobId": "j", "reasonCode": "lower"}, r"[\p{Upper}\p{Digit}_]+"),
        ("iot", "CancelJob", {"jobId": "j", "reasonCode": "É"}, r"[\p{Upper}\p{Digit}_]+"),
        ("iot", "DescribeThing", {"thingName": "a/b"}, "[a-zA-Z0-9:_-]+"),
        ("iot", "ListThings", {"maxResults": 251}, "less than or equal to 250"),
        ("iot", "ListThings", {"maxResults": "ten"}, "type integer"),
        ("iot-jobs-data", "UpdateJobExecution",
         {"jobId": "j", "thingName": "t", "status": "DONE"}, "enum value set: [QUEUED, "),
        ("iot-jobs-data", "UpdateJobExecution",
         {"jobId": "j", "thingName": "t", "status": "FAILED", "statusDetails": {"a b": "c"}},
         "Map keys must satisfy constraint: [Member must satisfy regular expression pattern"),
        ("iot-jobs-data", "UpdateJobExecution",
         {"jobId": "j", "thingName": "t", "status": "FAILED", "statusDetails": {"a": ""}},
         "Value '' at 'statusDetails.a.member'"),
        ("iot-jobs-data", "UpdateJobExecution",
         {"jobId": "j", "thingName": "t", "status": "FAILED", "executionNumber": float("nan")},
         "type long"),
    ],
)  # fmt: skip
def test_maps_enums_numbers_and_posix_classes_are_checked(
    service: str, operation: str, members: dict[str, Any], clause: str
) -> None:
    model = botocore.session.get_session().get_service_model(service)

    [found] = violations(model.operation_model(operation).input_shape, members)

    assert clause in found
