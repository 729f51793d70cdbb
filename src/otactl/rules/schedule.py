"""When a job's schedule lets its rollout go on.

| rule | source |
|---|---|
| the rollout begins at ``startTime`` | botocore ``iot`` SchedulingConfig; aws-facts A6 |
| outside of its maintenance windows a job is SCHEDULED and notifies nobody | Developer Guide, |
| | iot-jobs-lifecycle; aws-facts A3 |
| after ``endTime`` nobody is notified, whatever ``endBehavior`` says of the rest | aws-facts A6 |

Not documented, and taken to be so: the minutes outside of a window do not count for the rate, which
goes on where it was; what is QUEUED may be taken outside of a window. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from otactl.model.cron import parse_cron

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otactl.model.job_configuration import MaintenanceWindow, Scheduling

_MINUTE = timedelta(minutes=1)


def begins_at(scheduling: Scheduling | None, created: datetime) -> datetime:
    """When the rollout of a job begins that is created at this moment, in UTC."""
    if scheduling is None or scheduling.start_time is None:
        return created
    return max(created, _moment(scheduling.start_time))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(windows: Iterable[MaintenanceWindow], moment: datetime) -> bool:
    """Whether a window is open, in the minute of this moment (UTC)."""
    minute = moment.replace(second=0, microsecond=0)
    return any(any(True for _ in _openings(window, minute, minute)) for window in windows)


def open_minutes(scheduling: Scheduling | None, begins: datetime, minutes: int) -> Sequence[int]:
    """The minutes in which things may be notified, counted from the rollout's beginning.

    Args:
        scheduling: The job's schedule.
        begins: When the rollout begins, UTC.
        minutes: How far to look.
    """
    if scheduling is None:
        return range(minutes)
    begins = begins.replace(second=0, microsecond=0)
    if scheduling.end_time is not None:
        minutes = min(minutes, max(0, (_moment(scheduling.end_time) - begins) // _MINUTE))
    if not scheduling.maintenance_windows:
        return range(minutes)
    found: set[int] = set()
    for window in scheduling.maintenance_windows:
        for opening in _openings(window, begins, begins + minutes * _MINUTE):
            first = (opening - begins) // _MINUTE
            found.update(range(max(0, first), min(minutes, first + window.duration_minutes)))
    return sorted(found)


def _openings(window: MaintenanceWindow, first: datetime, last: datetime) -> Iterable[datetime]:
    """The openings whose window reaches into the time between two moments."""
    earliest = first - (window.duration_minutes - 1) * _MINUTE
    return parse_cron(window.start_time).openings(earliest, last)
