"""When a rollout may go on: windows, their edges, and the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from otactl.model.job_configuration import MaintenanceWindow, Scheduling
from otactl.rules.schedule import (
    Phase,
    begins_at,
    is_open,
    next_windows,
    open_minutes,
    phase,
    problems,
)

#: A Monday.
MONDAY = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
NIGHTLY = MaintenanceWindow(start_time="cron(0 2 ? * * *)", duration_minutes=90)
LATE = MaintenanceWindow(start_time="cron(30 23 ? * * *)", duration_minutes=60)
DAY = 1440


def test_without_a_schedule_every_minute_is_open() -> None:
    assert list(open_minutes(None, MONDAY, 3)) == [0, 1, 2]
    assert list(open_minutes(Scheduling(start_time="2027-03-01T01:00"), MONDAY, 3)) == [0, 1, 2]


def test_a_nightly_window_is_open_as_long_as_it_says_each_night() -> None:
    opens = open_minutes(Scheduling(maintenance_windows=(NIGHTLY,)), MONDAY, 2 * DAY)
    assert list(opens) == [*range(60, 150), *range(DAY + 60, DAY + 150)]


def test_a_window_that_is_open_when_the_rollout_begins_counts_from_then() -> None:
    begins = MONDAY + timedelta(minutes=60 + 80, seconds=30)
    opens = open_minutes(Scheduling(maintenance_windows=(NIGHTLY,)), begins, 600)
    assert list(opens) == list(range(10))


def test_windows_that_overlap_or_pass_midnight_are_one_time() -> None:
    both = Scheduling(maintenance_windows=(NIGHTLY, NIGHTLY, LATE))
    opens = open_minutes(both, MONDAY, DAY)
    assert list(opens) == [*range(60, 150), *range(22 * 60 + 30, 23 * 60 + 30)]


def test_nobody_is_notified_after_the_end() -> None:
    ends = Scheduling(end_time="2027-03-01T02:30", maintenance_windows=(NIGHTLY,))
    assert list(open_minutes(ends, MONDAY, DAY)) == list(range(60, 90))
    assert list(open_minutes(Scheduling(end_time="2027-03-01T01:10"), MONDAY, DAY)) == list(
        range(10)
    )


@pytest.mark.parametrize(
    ("minute", "opened"), [(-1, False), (0, True), (89, True), (90, False), (DAY, True)]
)
def test_a_window_has_its_first_minute_and_not_the_one_after_its_last(
    minute: int, *, opened: bool
) -> None:
    two = datetime(2027, 3, 1, 2, 0, 59, tzinfo=UTC)
    assert is_open((NIGHTLY,), two + timedelta(minutes=minute)) is opened


def test_a_rollout_begins_at_its_start_time() -> None:
    assert begins_at(None, MONDAY) == MONDAY
    assert begins_at(Scheduling(end_time="2027-03-02T01:00"), MONDAY) == MONDAY
    later = Scheduling(start_time="2027-03-02T03:00")
    assert begins_at(later, MONDAY) == datetime(2027, 3, 2, 3, 0, tzinfo=UTC)


LATE_EVENING = (MaintenanceWindow(start_time="cron(0 23 * * ? *)", duration_minutes=120),)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("scheduling", "now", "expected"),
    [
        (Scheduling(start_time="2026-12-01T10:00"), "2026-12-01T09:59:59", Phase.WAITING),
        (Scheduling(start_time="2026-12-01T10:00"), "2026-12-01T10:00", Phase.OPEN),
        (Scheduling(end_time="2026-12-01T10:00"), "2026-12-01T09:59", Phase.OPEN),
        (Scheduling(end_time="2026-12-01T10:00"), "2026-12-01T10:00", Phase.OVER),
        (Scheduling(maintenance_windows=LATE_EVENING), "2026-12-01T22:59", Phase.WAITING),
        (Scheduling(maintenance_windows=LATE_EVENING), "2026-12-01T23:00", Phase.OPEN),
        (Scheduling(maintenance_windows=LATE_EVENING), "2026-12-02T00:59", Phase.OPEN),
        (Scheduling(maintenance_windows=LATE_EVENING), "2026-12-02T01:00", Phase.WAITING),
        (
            Scheduling(start_time="2026-12-03T00:00", maintenance_windows=LATE_EVENING),
            "2026-12-01T23:30",
            Phase.WAITING,
        ),
        (Scheduling(), "2026-12-01T10:00", Phase.OPEN),
    ],
)
def test_the_phase_of_a_job(scheduling: Scheduling, now: str, expected: Phase) -> None:
    assert phase(scheduling, at(now)) is expected


def test_the_next_seven_windows_end_with_the_schedule() -> None:
    now = at("2026-12-01T23:30")

    assert len(next_windows(Scheduling(maintenance_windows=LATE_EVENING), now)) == 7
    assert next_windows(
        Scheduling(maintenance_windows=LATE_EVENING, end_time="2026-12-03T23:30"), now
    ) == ["2026-12-02T23:00", "2026-12-03T23:00"]
    assert next_windows(Scheduling(start_time="2026-12-05T10:00"), now) == []
    later = Scheduling(maintenance_windows=LATE_EVENING, start_time="2026-12-05T23:00")
    assert next_windows(later, now)[0] == "2026-12-05T23:00"


@pytest.mark.parametrize(
    ("scheduling", "count"),
    [
        (Scheduling(start_time="2026-12-01T10:30", end_time="2026-12-01T11:00"), 0),
        (Scheduling(start_time="2026-12-01T10:29"), 1),
        (Scheduling(start_time="2027-12-02T10:00"), 1),
        (Scheduling(end_time="2026-12-01T10:29"), 1),
        (Scheduling(end_time="2028-12-01T10:00"), 1),
        (Scheduling(start_time="2026-12-01T10:30", end_time="2026-12-01T10:59"), 1),
    ],
)
def test_what_the_service_refuses(scheduling: Scheduling, count: int) -> None:
    assert len(list(problems(scheduling, at("2026-12-01T10:00")))) == count
