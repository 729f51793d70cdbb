"""Cron expressions of maintenance windows, ``cron(0 2 ? * MON *)``: checks, and opening times.

| field | values | besides ``, - * /`` |
|---|---|---|
| minutes | 0-59 | |
| hours | 0-23 | |
| day-of-month | 1-31 | ``?``, ``L`` the last, ``15W`` the weekday nearest |
| month | 1-12 or JAN-DEC | |
| day-of-week | 1-7 or SUN-SAT | ``?``, ``L`` SAT, ``5L`` the last THU, ``3#2`` the second TUE |
| year | 1970-2199 | |

One of the two days is ``?``, and only one (EventBridge User Guide, scheduled rules, whose form the
Jobs API names for MaintenanceWindow). Times are UTC. Pure.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

IsDay = Callable[[date], bool]

_EXPRESSION = re.compile(r"cron\((\S+(?: +\S+){5})\)")
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_WEEKDAYS = {name: number for number, name in enumerate(_WEEKDAY_NAMES, start=1)}
_STEP = re.compile(r"(\*|[0-9A-Z]+(?:-[0-9A-Z]+)?)(?:/([0-9]{1,4}))?")
_LAST_WORKDAY = 5


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its name, the range of its values, and words for values such as ``JAN``."""

    name: str
    low: int
    high: int
    words: dict[str, int] | None = None

    def refuse(self, text: str) -> ValueError:
        names = list(self.words or ())
        words = f" or {names[0]}-{names[-1]}" if names else ""
        return ValueError(f"the {self.name} must be {self.low}-{self.high}{words}, found {text}")

    def value(self, text: str) -> int:
        number = (self.words or {}).get(text)
        if number is None and text.isascii() and text.isdigit():
            number = int(text)
        if number is None or not self.low <= number <= self.high:
            raise self.refuse(text)
        return number

    def values(self, text: str) -> frozenset[int]:
        """All values of a list of values, ranges and steps."""
        found: set[int] = set()
        for part in text.split(","):
            match = _STEP.fullmatch(part)
            if match is None:
                raise self.refuse(part)
            first, _, last = match[1].partition("-")
            low = self.low if first == "*" else self.value(first)
            high = self.high if first == "*" or (match[2] and not last) else low
            if last:
                high = self.value(last)
            step = int(match[2] or 1)
            if low > high or step < 1:
                raise self.refuse(part)
            found.update(range(low, high + 1, step))
        return frozenset(found)


_MINUTES, _HOURS = _Field("minutes", 0, 59), _Field("hours", 0, 23)
_DAY, _MONTH = _Field("day-of-month", 1, 31), _Field("month", 1, 12, _MONTHS)
_WEEKDAY, _YEAR = _Field("day-of-week", 1, 7, _WEEKDAYS), _Field("year", 1970, 2199)


@dataclass(frozen=True, slots=True)
class Cron:
    """When windows open, to the minute, in UTC."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    is_day: IsDay

    def openings(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Every opening from one moment to another, both included."""
        day = first.date()
        while day <= last.date():
            if day.month in self.months and day.year in self.years and self.is_day(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        moment = datetime.combine(day, time(hour, minute), first.tzinfo)
                        if first <= moment <= last:
                            yield moment
            day += timedelta(days=1)


def parse_cron(text: str) -> Cron:
    """Read an expression.

    Raises:
        ValueError: It is not a cron expression; the message says which field is wrong.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise ValueError("six fields in cron(…) are needed")
    minutes, hours, day, month, weekday, year = match[1].upper().split()
    if (day == "?") == (weekday == "?"):
        raise ValueError("one of day-of-month and day-of-week must be ?, and the other not")
    return Cron(
        minutes=_MINUTES.values(minutes),
        hours=_HOURS.values(hours),
        months=_MONTH.values(month),
        years=_YEAR.values(year),
        is_day=_month_days(day) if weekday == "?" else _week_days(weekday),
    )


def cron_fault(text: str) -> str | None:
    """Why it is not a valid cron expression; None if it is."""
    try:
        parse_cron(text)
    except ValueError as error:
        return str(error)
    return None


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _month_days(text: str) -> IsDay:
    if text == "L":
        return lambda day: day.day == _length(day)
    if text.endswith("W"):
        wanted = 0 if text == "LW" else _DAY.value(text[:-1])
        return lambda day: day.day == _nearest_workday(day, wanted or _length(day))
    values = _DAY.values(text)
    return lambda day: day.day in values


def _nearest_workday(day: date, wanted: int) -> int:
    """The weekday nearest to a day of the month, within the month; 0 if it has no such day."""
    if wanted > _length(day):
        return 0
    weekday = day.replace(day=wanted).weekday()
    if weekday == _LAST_WORKDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday > _LAST_WORKDAY:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted


def _week_days(text: str) -> IsDay:
    if text == "L":
        text = "SAT"
    last = re.fullmatch(r"([0-9A-Z]+)L", text)
    if last is not None:
        wanted = _WEEKDAY.value(last[1])
        return lambda day: _weekday(day) == wanted and day.day + 7 > _length(day)
    nth = re.fullmatch(r"([0-9A-Z]+)#([1-5])", text)
    if nth is not None:
        wanted, number = _WEEKDAY.value(nth[1]), int(nth[2])
        return lambda day: _weekday(day) == wanted and (day.day + 6) // 7 == number
    values = _WEEKDAY.values(text)
    return lambda day: _weekday(day) in values


def _weekday(day: date) -> int:
    """1 for SUN to 7 for SAT."""
    return day.isoweekday() % 7 + 1
