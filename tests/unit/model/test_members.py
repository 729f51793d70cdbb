"""One way from a value to the service's members, and back."""

from __future__ import annotations

import pytest

from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    MaintenanceWindow,
    PresignedUrl,
    RateIncreaseCriteria,
    Rollout,
    Scheduling,
)
from otactl.model.members import AWS_NAMES, members_of, value_of
from otactl.model.status import FailureType

ROLLOUT = Rollout(
    maximum_per_minute=50,
    exponential_rate=ExponentialRate(
        base_rate_per_minute=5,
        increment_factor=1.5,
        rate_increase_criteria=RateIncreaseCriteria(number_of_succeeded_things=0),
    ),
)
SCHEDULING = Scheduling(
    start_time="2026-11-29T20:00",
    maintenance_windows=(MaintenanceWindow(start_time="cron(0 2 * * ? *)", duration_minutes=60),),
)


def test_members_are_spelled_like_the_services_and_what_is_not_set_is_left_out() -> None:
    assert members_of(ROLLOUT) == {
        "maximumPerMinute": 50,
        "exponentialRate": {
            "baseRatePerMinute": 5,
            "incrementFactor": 1.5,
            "rateIncreaseCriteria": {"numberOfSucceededThings": 0},
        },
    }
    assert members_of(SCHEDULING, AWS_NAMES) == {
        "startTime": "2026-11-29T20:00",
        "maintenanceWindows": [{"startTime": "cron(0 2 * * ? *)", "durationInMinutes": 60}],
    }


def test_an_enum_is_its_value() -> None:
    criterion = AbortCriterion(
        failure_type=FailureType.FAILED, threshold_percentage=20.0, min_number_of_executed_things=10
    )

    assert type(members_of(criterion)["failureType"]) is str


@pytest.mark.parametrize("value", [ROLLOUT, SCHEDULING, PresignedUrl(role_arn="arn:x")])
def test_what_is_written_is_read_again(value: Rollout | Scheduling | PresignedUrl) -> None:
    assert value_of(type(value), members_of(value, AWS_NAMES)) == value


def test_a_member_has_the_type_of_its_field() -> None:
    read = value_of(
        AbortCriterion,
        {
            "failureType": "TIMED_OUT",
            "action": "CANCEL",
            "thresholdPercentage": 20,
            "minNumberOfExecutedThings": 10,
        },
    )

    assert read.failure_type is FailureType.TIMED_OUT
    assert isinstance(read.threshold_percentage, float)


def test_a_member_without_a_default_must_be_there() -> None:
    with pytest.raises(KeyError, match="roleArn"):
        value_of(PresignedUrl, {"expiresInSec": 60})
