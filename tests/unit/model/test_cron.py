"""Cron expressions: what AWS would refuse is refused with its field, the rest is followed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from otactl.model.cron import cron_fault, parse_cron

#: A Monday.
FIRST, LAST = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cron(99 77 ? * XYZ *)", "minutes must be 0-59, found 99"),
        ("cron(0 24 ? * MON *)", "hours must be 0-23, found 24"),
        ("cron(0 2 ? * XYZ *)", "day-of-week must be 1-7 or SUN-SAT, found XYZ"),
        ("cron(0 2 ? * 0 *)", "day-of-week must be 1-7"),
        ("cron(0 2 32 * ? *)", "day-of-month must be 1-31, found 32"),
        ("cron(0 2 0W * ? *)", "day-of-month"),
        ("cron(0 2 ? 13 MON *)", "month must be 1-12 or JAN-DEC, found 13"),
        ("cron(0 2 ? * MON 1969)", "year must be 1970-2199"),
        ("cron(0 2 * * MON *)", "one of day-of-month and day-of-week must be ?"),
        ("cron(0 2 ? * ? *)", "one of day-of-month and day-of-week must be ?"),
        ("cron(0 2 ? * MON)", "six fields"),
        ("0 2 ? * MON *", "six fields"),
        ("cron(30-10 2 ? * MON *)", "minutes"),
        ("cron(0/0 2 ? * MON *)", "minutes"),
        ("cron(, 2 ? * MON *)", "minutes"),
        ("cron(0 2 ? * MON#6 *)", "day-of-week"),
        ("cron(0 2 L-3 * ? *)", "day-of-month"),
    ],
)
def test_a_wrong_field_is_named(text: str, words: str) -> None:
    assert words in str(cron_fault(text))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("cron(0 2 ? * MON *)", [1, 8, 15, 22, 29]),
        ("cron(0 2 ? * mon-tue *)", [1, 2, 8, 9, 15, 16, 22, 23, 29, 30]),
        ("cron(0 2 ? * 2#2 *)", [8]),
        ("cron(0 2 ? * FRIL *)", [26]),
        ("cron(0 2 ? * L *)", [6, 13, 20, 27]),
        ("cron(0 2 10/10 MAR ? 2027)", [10, 20, 30]),
        ("cron(0 2 */15 * ? *)", [1, 16, 31]),
        ("cron(0 2 1-3,31 * ? *)", [1, 2, 3, 31]),
        ("cron(0 2 L * ? *)", [31]),
        ("cron(0 2 LW * ? *)", [31]),
        ("cron(0 2 14W * ? *)", [15]),  # the 14th is a Sunday
        ("cron(0 2 13W * ? *)", [12]),  # the 13th is a Saturday
        ("cron(0 2 ? APR MON *)", []),
        ("cron(0 2 ? * MON 2028)", []),
    ],
)
def test_windows_open_on_these_days_of_march(text: str, days: list[int]) -> None:
    opened = list(parse_cron(text).openings(FIRST, LAST))
    assert [moment.day for moment in opened] == days
    assert {(moment.hour, moment.minute) for moment in opened} <= {(2, 0)}


def test_several_windows_a_day_come_in_the_order_of_time() -> None:
    first, last = datetime(2027, 3, 1, 9, 45, tzinfo=UTC), datetime(2027, 3, 1, 10, 15, tzinfo=UTC)
    opened = list(parse_cron("cron(*/15 8-10 ? * * *)").openings(first, last))
    assert [f"{m:%H:%M}" for m in opened] == ["09:45", "10:00", "10:15"]
