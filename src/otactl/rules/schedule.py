"""When a job's schedule allows its rollout to notify things.

| rule | source |
|---|---|
| the rollout begins at ``startTime`` | botocore ``iot`` SchedulingConfig; aws-facts A6 |
| outside of its maintenance windows a job is SCHEDULED and notifies nothing | Developer Guide, |
| | iot-jobs-lifecycle; aws-facts A3 |
| after ``endTime`` nothing is notified, with any ``endBehavior`` | aws-facts A6 |
| both times are at least 30 minutes ahead, a start at most one year, an end at most two years, | |
| and the end is 30 minutes to two years after the start | botocore ``iot`` SchedulingConfig; A6 |
| DescribeJob returns the next seven windows | botocore ``iot`` Job; aws-facts A6 |

STOP_ROLLOUT cancels nothing, CANCEL what is QUEUED, FORCE_CANCEL also what is IN_PROGRESS. A job
after its end is COMPLETED once its executions have ended, a CONTINUOUS one too; AWS does not
document the status of such a job. Assumed, not documented: minutes outside of a window do not count
for the rate, which continues where it stopped; a QUEUED execution may start outside of a window.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice

from otactl.model import limits
from otactl.model.cron import parse_cron
from otactl.model.job_configuration import MaintenanceWindow, Scheduling
from otactl.model.status import ExecutionStatus

_MINUTE = timedelta(minutes=1)
_NAMED_WINDOWS = 7
_LONGEST = timedelta(days=limits.SCHEDULE_LONGEST_DAYS)
#: What is cancelled at the end; without an endBehavior, nothing.
_CANCELED_AT_END = {
    "CANCEL": (ExecutionStatus.QUEUED,),
    "FORCE_CANCEL": (ExecutionStatus.QUEUED, ExecutionStatus.IN_PROGRESS),
}


class Phase(Enum):
    """Whether a schedule allows notifications: not yet, now, or no longer."""

    WAITING = "waiting"
    OPEN = "open"
    OVER = "over"


def phase(scheduling: Scheduling, now: datetime) -> Phase:
    """Whether a job may notify things at this time (UTC)."""
    if scheduling.end_time is not None and now >= _moment(scheduling.end_time):
        return Phase.OVER
    windows = scheduling.maintenance_windows
    if begins_at(scheduling, now) > now or (windows and not is_open(windows, now)):
        return Phase.WAITING
    return Phase.OPEN


def next_windows(scheduling: Scheduling, now: datetime) -> list[str]:
    """The opening times of the next windows, ``YYYY-MM-DDThh:mm``, at most seven."""
    begin = max(begins_at(scheduling, now), now.replace(second=0, microsecond=0) + _MINUTE)
    last = begin + _LONGEST
    if scheduling.end_time is not None:
        last = _moment(scheduling.end_time) - _MINUTE
    openings = {
        opening
        for window in scheduling.maintenance_windows
        for opening in islice(parse_cron(window.start_time).openings(begin, last), _NAMED_WINDOWS)
    }
    return [f"{one:%Y-%m-%dT%H:%M}" for one in sorted(openings)[:_NAMED_WINDOWS]]


def problems(scheduling: Scheduling, now: datetime) -> Iterator[str]:
    """Why the service refuses the well-formed times of a new job, one message each."""
    lead = limits.SCHEDULE_LEAD_MINUTES
    for name, text, days in (
        ("startTime", scheduling.start_time, limits.SCHEDULE_FURTHEST_START_DAYS),
        ("endTime", scheduling.end_time, limits.SCHEDULE_LONGEST_DAYS),
    ):
        latest = now + timedelta(days=days)
        if text is not None and not now + lead * _MINUTE <= _moment(text) <= latest:
            yield f"{name} must be at least {lead} minutes and at most {days} days from now"
    if scheduling.start_time is not None and scheduling.end_time is not None:
        lasts = _moment(scheduling.end_time) - _moment(scheduling.start_time)
        if not limits.SCHEDULE_SHORTEST_MINUTES * _MINUTE <= lasts <= _LONGEST:
            yield (
                f"endTime must be {limits.SCHEDULE_SHORTEST_MINUTES} minutes to "
                f"{limits.SCHEDULE_LONGEST_DAYS} days after startTime"
            )


def begins_at(scheduling: Scheduling | None, created: datetime) -> datetime:
    """When the rollout of a job created at this time begins, in UTC."""
    if scheduling is None or scheduling.start_time is None:
        return created
    return max(created, _moment(scheduling.start_time))


def canceled_at_end(scheduling: Scheduling | None) -> tuple[ExecutionStatus, ...]:
    """The statuses of the executions that are cancelled when the schedule ends."""
    behavior = None if scheduling is None else scheduling.end_behavior
    return _CANCELED_AT_END.get(behavior or "", ())


def time_left(scheduling: Scheduling | None, now: datetime) -> timedelta | None:
    """The time until the end of the schedule (negative when it is over); None without an end."""
    if scheduling is None or scheduling.end_time is None:
        return None
    return _moment(scheduling.end_time) - now


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(windows: Iterable[MaintenanceWindow], moment: datetime) -> bool:
    """Whether a window is open, in the minute of this moment (UTC)."""
    minute = moment.replace(second=0, microsecond=0)
    return any(any(True for _ in window.openings(minute, minute)) for window in windows)


def open_minutes(scheduling: Scheduling | None, begins: datetime, minutes: int) -> Sequence[int]:
    """The minutes in which things may be notified, counted from the rollout's start.

    Args:
        scheduling: The job's schedule.
        begins: When the rollout begins, UTC.
        minutes: How many minutes to check.
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
        for opening in window.openings(begins, begins + minutes * _MINUTE):
            first = (opening - begins) // _MINUTE
            found.update(range(max(0, first), min(minutes, first + window.duration_minutes)))
    return sorted(found)
