from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.aws.test_queue_item import request_for

from otactl.aws.queue_item import item_of
from otactl.aws.queue_item_reading import request_of
from otactl.jobqueue.request import MalformedRequest, Outcome


@pytest.mark.parametrize(
    ("required", "succeeded", "enough"),
    [(8000, 4, True), (8000, 3, False), (8001, 4, False), (10_000, 5, True), (None, 5, False)],
)
def test_enough_is_counted_in_whole_things_rounded_up(required, succeeded, enough):
    request = replace(request_for("a"), required_succeeded=required)

    assert request.is_met_by(Outcome(things=5, succeeded=succeeded, rounds=1)) is enough


def test_a_request_without_a_thing_is_never_met():
    request = replace(request_for("a"), required_succeeded=1)

    assert not request.is_met_by(Outcome(things=0, succeeded=0, rounds=1))


@pytest.mark.parametrize("share", ["0", "10001", "-5", "x"])
def test_a_share_that_is_none_makes_no_request(share):
    item = item_of(request_for("a")) | {"requiredSucceeded": {"N": share}}

    assert isinstance(request_of(item), MalformedRequest)
