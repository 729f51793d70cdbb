"""The five lines that decide how much harm a bad image can do."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.support.plan import a_plan_with, a_summary

from otactl.forecast.cost import undisturbed_cost
from otactl.forecast.price import shipped_prices
from otactl.model.job_configuration import (
    AbortCriterion,
    ExponentialRate,
    JobConfiguration,
    RateIncreaseCriteria,
    Rollout,
    Scheduling,
)
from otactl.model.status import FailureType, TargetSelection
from otactl.views.plan_table import print_plan

STAGED = Rollout(
    maximum_per_minute=1000,
    exponential_rate=ExponentialRate(
        base_rate_per_minute=50,
        increment_factor=1.5,
        rate_increase_criteria=RateIncreaseCriteria(number_of_succeeded_things=200),
    ),
)
NOTIFIED = Rollout(
    maximum_per_minute=9,
    exponential_rate=ExponentialRate(
        base_rate_per_minute=5,
        increment_factor=2,
        rate_increase_criteria=RateIncreaseCriteria(number_of_notified_things=7),
    ),
)
FAILED = AbortCriterion(
    failure_type=FailureType.FAILED, threshold_percentage=12.5, min_number_of_executed_things=10
)
ANY = AbortCriterion(
    failure_type=FailureType.ALL, threshold_percentage=30, min_number_of_executed_things=2000
)
PLACE = "; account 123456789012, eu-central-1"
LATER = " CONTINUOUS: those that join later too"
BEGINS = "; begins at 2027-01-02T03:04 UTC"
THE_OTHER = "ALL: 30% of at least 2,000 executed things"
GROUPS = tuple(f"arn:aws:iot:eu-central-1:123456789012:thinggroup/g{n}" for n in range(5))


def line(name: str, **fields: object) -> str:
    return dict(a_summary(**fields).lines)[name]


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("targets", {}, "100 things; account 123456789012, eu-central-1"),
        (
            *("targets", {"listed": 3, "groups": GROUPS[:1], "rounds": 2}),
            "100 things; 3 listed, the rest of group g0; 2 rounds" + PLACE,
        ),
        (
            "targets",
            {
                "listed": 0,
                "groups": GROUPS,
                "job": JobConfiguration(target_selection=TargetSelection.CONTINUOUS),
            },
            "100 things; 0 listed, the rest of groups g0, g1, g2 and 2 more;" + LATER + PLACE,
        ),
        ("rate", {}, "no limit of its own: AWS notifies up to 1,000 a minute"),
        (
            *("rate", {"job": JobConfiguration(rollout=Rollout(maximum_per_minute=50))}),
            "at most 50 things a minute",
        ),
        (
            *("rate", {"job": JobConfiguration(rollout=STAGED)}),
            "50 things a minute, times 1.5 for every 200 succeeded, at most 1,000 a minute",
        ),
        (
            "rate",
            {
                "job": JobConfiguration(
                    rollout=NOTIFIED, scheduling=Scheduling(start_time="2027-01-02T03:04")
                )
            },
            "5 things a minute, times 2 for every 7 notified, at most 9 a minute" + BEGINS,
        ),
        ("abort", {}, "never by itself: no abort criterion is switched on"),
        (
            *("abort", {"job": JobConfiguration(abort_criteria=(FAILED, ANY))}),
            "FAILED: 12.5% of at least 10 executed things; " + THE_OTHER,
        ),
        ("timeout", {}, "none: a thing that falls silent stays in progress"),
        (
            *("timeout", {"job": JobConfiguration(in_progress_timeout_minutes=1440)}),
            "a thing in progress for 1,440 min is TIMED_OUT",
        ),
    ],
)
def test_each_line_says_the_policy(name, fields, expected):
    assert line(name, **fields) == expected


def test_the_cost_is_that_of_the_price_table():
    # 100,000 executions, each by 1 MiB in blocks of 4096 bytes: the facts' own example has 300
    # dollars of executions.
    cost = undisturbed_cost(
        shipped_prices(), things=50_000, rounds=2, image_bytes=1 << 20, by_url=False, alarms=3
    )

    assert cost.executions == 100_000
    assert cost.items["jobExecutions"] == pytest.approx(300)
    assert cost.items["alarms"] == pytest.approx(0.3)
    assert cost.total > 350
    assert f"about USD {cost.total:,.2f} if every thing" in line("cost", cost=cost)


def test_the_plan_leads_with_them_in_this_order():
    shown = Console(file=io.StringIO(), width=60)

    print_plan(shown, a_plan_with(deployment_id="d"), a_summary())

    written = shown.file.getvalue().splitlines()
    names = [text.split()[0] for text in written[1:6]]
    assert names == ["targets", "rate", "abort", "timeout", "cost"]


def test_the_fields_are_those_of_create_job():
    fields = a_summary(
        job=JobConfiguration(
            rollout=STAGED, abort_criteria=(FAILED,), in_progress_timeout_minutes=7
        )
    ).to_fields()

    assert list(fields) == ["targets", "rate", "abort", "timeout", "cost"]
    assert fields["rate"] == {
        "maximumPerMinute": 1000,
        "exponentialRate": {
            "baseRatePerMinute": 50,
            "incrementFactor": 1.5,
            "rateIncreaseCriteria": {"numberOfSucceededThings": 200},
        },
    }
    assert fields["abort"] == [
        {
            "failureType": "FAILED",
            "thresholdPercentage": 12.5,
            "minNumberOfExecutedThings": 10,
        }
    ]
    assert fields["timeout"] == {"inProgressMinutes": 7}
    assert fields["cost"]["executions"] == 100
