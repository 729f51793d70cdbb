from __future__ import annotations

import pytest

from otactl.cloud.operation import find_operation, members_of


@pytest.mark.parametrize(
    ("service", "method", "path", "name"),
    [
        ("iot", "PUT", "/jobs/j", "CreateJob"),
        ("iot", "GET", "/jobs/j", "DescribeJob"),
        ("iot", "GET", "/jobs/j/job-document", "GetJobDocument"),
        ("iot", "GET", "/things", "ListThings"),
        ("iot", "GET", "/no-such-thing", None),
        ("iot-jobs-data", "PUT", "/things/t/jobs/$next", "StartNextPendingJobExecution"),
        ("iot-jobs-data", "PUT", "/things/t/jobs/%24next", None),
        ("iot-data", "POST", "/topics/a%2Fb", "Publish"),
    ],
)  # fmt: skip
def test_a_request_asks_for_the_operation_with_the_fewest_labels(
    service: str, method: str, path: str, name: str | None
) -> None:
    found = find_operation(service, method, path)

    assert (None if found is None else found.name) == name


def test_members_travel_in_path_query_headers_and_body() -> None:
    list_things = find_operation("iot", "GET", "/things")
    cancel = find_operation("iot", "PUT", "/things/a%3Ab/jobs/j/cancel")
    attach = find_operation("iot", "PUT", "/things/t/principals")
    assert list_things
    assert cancel
    assert attach

    assert members_of(
        list_things, "/things", {"maxResults": "5", "usePrefixAttributeValue": "true"}, {}, b""
    ) == {
        "maxResults": 5,
        "usePrefixAttributeValue": True,
    }
    assert members_of(list_things, "/things", {"maxResults": "five"}, {}, b"") == {
        "maxResults": "five"
    }
    assert members_of(
        cancel, "/things/a%3Ab/jobs/j/cancel", {"force": "true"}, {}, b'{"expectedVersion": 2}'
    ) == {"jobId": "j", "thingName": "a:b", "force": True, "expectedVersion": 2}
    assert members_of(attach, "/things/t/principals", {}, {"x-amzn-principal": "arn"}, b"") == {
        "thingName": "t",
        "principal": "arn",
    }


@pytest.mark.parametrize("body", [b"[]", b"{", b"7", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_object_is_named(body: bytes) -> None:
    operation = find_operation("iot", "POST", "/things/t")
    assert operation is not None

    with pytest.raises(ValueError, match=r".+"):
        members_of(operation, "/things/t", {}, {}, body)
