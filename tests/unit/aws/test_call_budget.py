"""A budget of requests is kept where they leave: one too many is not sent."""

from __future__ import annotations

import pytest

from otactl.aws.call_budget import Budget, BudgetedCounter, BudgetSpent

BUDGET = Budget(
    calls=5, reserved_calls=2, seconds=300, reserved_seconds=60, created={"iot:CreateJob": 2}
)


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(clock: Clock) -> BudgetedCounter:
    return BudgetedCounter(BUDGET, clock)


def test_what_is_kept_for_the_removal_is_spent_by_it_alone(counter: BudgetedCounter) -> None:
    for _ in range(3):
        counter.count("iot:DescribeJob")
    with pytest.raises(BudgetSpent, match="5 API calls"):
        counter.count("iot:DescribeJob")

    counter.open_reserve()
    counter.count("iot:DeleteJob")
    counter.count("iot:DeleteJob")
    with pytest.raises(BudgetSpent):
        counter.count("iot:DeleteJob")

    assert counter.snapshot() == {"iot:DeleteJob": 2, "iot:DescribeJob": 3}


def test_time_is_kept_for_the_removal_as_well(counter: BudgetedCounter, clock: Clock) -> None:
    clock.now += 239
    counter.count("iot:DescribeJob")
    clock.now += 2
    with pytest.raises(BudgetSpent, match="300 seconds"):
        counter.count("iot:DescribeJob")
    counter.open_reserve()
    counter.count("iot:DeleteJob")
    clock.now += 60
    with pytest.raises(BudgetSpent):
        counter.count("iot:DeleteJob")


@pytest.mark.parametrize(
    ("status", "code", "may_create"),
    [
        (200, "", False),
        (None, "ConnectTimeoutError", False),  # it may have been created all the same
        (500, "InternalFailureException", False),
        (400, "InvalidRequestException", True),
        (409, "ResourceAlreadyExistsException", True),
    ],
)
def test_only_what_was_refused_leaves_room_for_another(
    counter: BudgetedCounter,
    status: int | None,
    code: str,
    may_create: bool,  # noqa: FBT001  # a case
) -> None:
    counter.count("iot:CreateJob")
    counter.count("iot:CreateJob")
    assert counter.on_answer is not None
    counter.on_answer("iot:CreateJob", status, code)

    if may_create:
        counter.count("iot:CreateJob")
    else:
        with pytest.raises(BudgetSpent, match="called 2 times already"):
            counter.count("iot:CreateJob")
