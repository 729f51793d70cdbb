"""A table item may be anything: it is a request or is named as none, and never breaks a reader."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otactl.aws.queue_item import FENCE, LEASE_UNTIL, ORDER_KEY, OURS, OWNER, STATE, item_of
from otactl.aws.queue_item_reading import request_of
from otactl.jobqueue.request import JobRequest, MalformedRequest
from otactl.jobqueue.state import NEXT_STATES, FailureKind, RequestState
from otactl.jobqueue.transition import guard_of, guard_of_take_over, taken

SEVEN = {
    "bucketId": {"S": "bucket"},
    "jobId": {"S": "jobId_20200101-000000"},
    "binFileKey": {"S": "release/fw.bin"},
    "thingListFileKey": {"S": "release/things.txt"},
    "devFileKey": {"S": "release/dev_1.ini"},
}
_SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(max_size=30)),
    st.builds(
        lambda number: {"N": number},
        st.sampled_from(["0", "1", "-1", "1.5", "1E+30", "9" * 38, "3"]),
    ),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.builds(lambda octets: {"B": octets}, st.binary(max_size=20)),
    st.just({"NULL": True}),
    st.builds(lambda texts: {"SS": texts}, st.lists(st.text(max_size=5), min_size=1, max_size=3)),
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3))
        | st.builds(
            lambda values: {"M": values}, st.dictionaries(st.text(max_size=5), inner, max_size=3)
        )
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted(OURS - {STATE, ORDER_KEY})) | st.text(min_size=1, max_size=10)


@given(
    st.sampled_from(list(RequestState)),
    st.text(min_size=1, max_size=30) | st.just("20200101-000000"),
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.booleans(),
)
def test_an_item_is_a_request_or_is_named_as_none(
    state: RequestState, order_key: str, attributes: dict[str, Any], manual: object
) -> None:
    keys = {STATE: {"S": state.value}, ORDER_KEY: {"S": order_key}}

    found = request_of((SEVEN if manual else {}) | attributes | keys)

    assert (found.order_key, found.state) == (order_key, state)
    if isinstance(found, MalformedRequest):
        assert found.reason
        return
    # What the conditions of writes name is what stands in the item: it can be moved.
    written = item_of(found)
    assert all(written.get(name) == attributes.get(name) for name in (FENCE, OWNER, LEASE_UNTIL))
    assert (found.lease is not None) or state is not RequestState.DEPLOYING
    assert isinstance(found, JobRequest)
    # Whatever is done with a request works with this one too.
    assert found.deployment_id
    assert found.aws_job_id
    assert guard_of(found).fence == guard_of_take_over(found).fence == found.fence
    assert item_of(found)[ORDER_KEY] == {"S": order_key}
    if RequestState.DEPLOYING in NEXT_STATES[state]:
        assert taken(found, owner="me", now_ms=1, lease_ms=1).fence == found.fence + 1
    assert found.failure is None or found.failure.kind in FailureKind
