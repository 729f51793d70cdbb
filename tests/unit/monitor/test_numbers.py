"""Pace, ETA, percentiles, histograms, failure groups, silence, progress: the arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otactl.model.device_progress import LONGEST_DOWNLOAD_SECONDS
from otactl.model.job_configuration import (
    ExponentialRate,
    RateIncreaseCriteria,
    Rollout,
)
from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobCounts
from otactl.model.status import ExecutionStatus
from otactl.monitor.execution_table import ExecutionTable
from otactl.monitor.failure_groups import MAX_GROUPS, FailureGroups, group_reason
from otactl.monitor.pace import PaceMeter, estimate, rollout_seconds
from otactl.monitor.percentile import histogram, percentiles
from otactl.monitor.progress import MAX_POINTS, Progress, progress_of
from otactl.monitor.silence import find_silence

S = ExecutionStatus
MINUTE = 60_000


def a_meter(*counts):
    meter = PaceMeter()
    for at_ms, notified, finished in counts:
        meter.note(at_ms, notified=notified, finished=finished)
    return meter


def test_pace_is_what_happened_over_the_time_it_took():
    pace = a_meter((0, 0, 0), (2 * MINUTE, 100, 60)).pace(2 * MINUTE)
    assert (pace.notified_per_minute, pace.finished_per_minute) == (50, 30)


def test_what_is_long_ago_does_not_count():
    meter = a_meter(
        (0, 0, 0), (MINUTE, 1000, 1000), (6 * MINUTE, 1000, 1000), (9 * MINUTE, 1000, 1010)
    )
    assert meter.pace(9 * MINUTE).finished_per_minute == pytest.approx(1.25)


def test_a_moment_says_nothing():
    assert a_meter((0, 0, 0), (1000, 5, 5)).pace(1000) is None


def test_a_burst_of_counts_does_not_fill_the_memory():
    meter = PaceMeter()
    for at_ms in range(0, 10 * MINUTE, 10):
        meter.note(at_ms, notified=at_ms, finished=at_ms)
    assert len(meter._counts) <= 302


def eta(finished, remaining, *, minutes=1, unnotified=0, rollout=None):
    pace = a_meter((0, 0, 0), (minutes * MINUTE, finished, finished)).pace(minutes * MINUTE)
    return estimate(
        pace,
        remaining=remaining,
        unnotified=unnotified,
        rollout=rollout,
        notified=finished,
        succeeded=finished,
    )


def test_the_rest_takes_as_long_as_the_same_number_did():
    assert eta(100, 200).likely_seconds == 120


def test_the_more_was_seen_the_narrower_the_range():
    few, many = eta(10, 20), eta(1000, 2000)
    assert few.low_seconds < few.likely_seconds < few.high_seconds
    assert (few.high_seconds - few.low_seconds) > (many.high_seconds - many.low_seconds)


def test_when_hardly_anything_was_seen_the_end_is_open():
    assert eta(1, 100).high_seconds is None
    assert eta(0, 100) is None


def test_things_not_notified_cannot_end_before_the_rollout_reaches_them():
    rollout = Rollout(maximum_per_minute=10)
    assert eta(1000, 100, unnotified=100, rollout=rollout).likely_seconds == 9 * 60


def test_a_growing_rollout_is_followed_raise_by_raise():
    rollout = Rollout(
        maximum_per_minute=100,
        exponential_rate=ExponentialRate(
            base_rate_per_minute=10,
            increment_factor=2,
            rate_increase_criteria=RateIncreaseCriteria(number_of_notified_things=10),
        ),
    )
    # 10, 20, 80 (after three raises at 30), so the rest fits the third minute.
    assert rollout_seconds(rollout, unnotified=60, notified=0, succeeded=0) == 120
    assert rollout_seconds(None, unnotified=0, notified=0, succeeded=0) == 0
    # A million things at one a minute take two years, and no longer to compute.
    slowest = Rollout(maximum_per_minute=1)
    assert rollout_seconds(slowest, unnotified=10**6, notified=0, succeeded=0) == 999_999 * 60


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_percentiles_are_values_that_were_reported(values):
    ascending = sorted(values)
    found = percentiles(ascending)
    assert {found.p50, found.p90, found.p99, found.max} <= set(ascending)
    assert found.p50 <= found.p90 <= found.p99 <= found.max == ascending[-1]


@given(st.lists(st.floats(0, LONGEST_DOWNLOAD_SECONDS), min_size=1, max_size=200))
@example([5e-324])
@example([1e9 - 1.2e-7, 1e9])
def test_a_histogram_loses_nothing(values):
    bins = histogram(sorted(values))
    assert sum(each.count for each in bins) == len(values)
    assert bins[0].low <= min(values)
    assert bins[-1].high >= max(values)
    assert len(bins) <= 42


def failed(name="t1", status=S.FAILED, **details):
    return ThingOutcome(thing_name=name, status=status, status_details=details)


@pytest.mark.parametrize(
    ("reason", "group"),
    [
        ("HTTP 403", "HTTP 403"),
        ("HTTP 404 ", "HTTP 404"),
        ("no answer for block 123456", "no answer for block #"),
        ("bad digest 9f86d081884c7d65", "bad digest #"),
        ("deadbeef is a word too", "deadbeef is a word too"),
        ("at 0x7ffe", "at #"),
        ("", "no reason given"),
    ],
)
def test_figures_that_tell_things_apart_do_not_tell_reasons_apart(reason, group):
    assert group_reason(failed(reason=reason)) == group


def test_a_timed_out_thing_tells_where_it_was():
    assert group_reason(failed(status=S.TIMED_OUT, step="downloading")) == "last seen downloading"


def test_what_nobody_asked_is_told_apart_from_what_nobody_said():
    assert group_reason(failed(), asked=False) == "reason not asked yet"
    assert group_reason(failed(reason="flash full"), asked=False) == "flash full"


def test_a_thing_moves_from_group_to_group():
    groups = FailureGroups()
    groups.replace("t1", failed(), asked=False)
    groups.replace("t1", failed(reason="b"))
    groups.replace("t2", failed("t2", reason="b"))
    assert [(group.reason, group.count) for group in groups.groups()] == [("b", 2)]

    groups.replace("t1", failed(status=S.SUCCEEDED))
    assert groups.groups()[0].examples == ("t2",)


def test_a_fleet_that_says_something_else_each_time_stays_within_bounds():
    groups = FailureGroups()
    names = [f"t{number}" for number in range(MAX_GROUPS * 2)]
    for number, name in enumerate(names):
        groups.replace(name, failed(name, reason="word " * (number % 37) + chr(256 + number)))
    assert len(groups.groups()) <= MAX_GROUPS + len(S)
    assert sum(group.count for group in groups.groups()) == MAX_GROUPS * 2
    for name in names:
        groups.replace(name, None)
    assert groups.groups() == ()


def test_only_what_a_page_confirmed_is_silent():
    table = ExecutionTable()
    outcome = ThingOutcome(thing_name="t1", status=S.IN_PROGRESS, updated_at_ms=1000)
    table.put(outcome, 2000)
    assert find_silence(table, 400_000, 300_000).suspects == 1

    table.put(outcome, 400_000)
    found = find_silence(table, 400_000, 300_000)
    assert (found.count, found.suspects, found.longest[0].silent_seconds) == (1, 0, 399)


def test_progress_stays_within_bounds_and_keeps_its_ends():
    progress = Progress()
    for number in range(10_000):
        progress.note(number * 1000, JobCounts({S.SUCCEEDED: number}))
    assert len(progress.points) <= MAX_POINTS
    assert progress.points[0][0] == 0
    assert progress.points[-1][1][list(S).index(S.SUCCEEDED)] == 9999


def test_progress_told_by_the_executions_themselves():
    outcomes = [
        ThingOutcome(
            thing_name="a",
            status=S.SUCCEEDED,
            queued_at_ms=1000,
            started_at_ms=2000,
            updated_at_ms=9000,
        ),
        ThingOutcome(thing_name="b", status=S.IN_PROGRESS, queued_at_ms=1000, started_at_ms=5000),
        ThingOutcome(thing_name="c", status=S.QUEUED, queued_at_ms=1000, updated_at_ms=1000),
    ]
    points = progress_of(outcomes).points
    order = list(S)

    def at(time_ms):
        counts = [row for at_ms, row in points if at_ms <= time_ms][-1]
        return {status: counts[order.index(status)] for status in S if counts[order.index(status)]}

    assert at(1000) == {S.QUEUED: 3}
    assert at(2000) == {S.QUEUED: 2, S.IN_PROGRESS: 1}
    assert at(5000) == {S.QUEUED: 1, S.IN_PROGRESS: 2}
    assert at(9000) == {S.QUEUED: 1, S.IN_PROGRESS: 1, S.SUCCEEDED: 1}


@given(st.integers(1, 3000))
def test_progress_of_many_executions_is_bounded(count):
    outcomes = [
        ThingOutcome(
            thing_name=f"t{number}",
            status=S.SUCCEEDED,
            queued_at_ms=number * 7,
            started_at_ms=number * 11,
            updated_at_ms=number * 13 + 1,
        )
        for number in range(count)
    ]
    points = progress_of(outcomes).points
    assert len(points) <= MAX_POINTS + 2
    assert points[-1][1][list(S).index(S.SUCCEEDED)] == count
