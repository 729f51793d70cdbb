"""What happens in one run, event by event: for comparing a forecast with a rehearsal.

One object per event, so for fleets that are small enough to be rehearsed. The order is the
service's: a minute's things are notified, executions begin, executions end; a job that aborts
itself cancels what is queued, and what is in progress goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from otactl.forecast.attempts import EXECUTED_CODES, STATUSES
from otactl.model.status import ExecutionStatus

if TYPE_CHECKING:
    from otactl.forecast.attempts import Executions
    from otactl.forecast.run import Run


class Happening(IntEnum):
    """The kinds of events; of the same instant, in this order."""

    QUEUED = 0
    STARTED = 1
    ENDED = 2
    ABORTED = 3
    CANCELED = 4


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One thing that happens.

    Attributes:
        at_ms: Since the job was created.
        thing: Its place in the order of notification; -1 for the job itself.
        attempt: From 1; 0 for the job itself.
        status: That of the execution afterwards.
    """

    at_ms: int
    kind: Happening
    thing: int
    attempt: int
    status: ExecutionStatus


def timeline(one_run: Run, *, horizon_minutes: int) -> list[Event]:
    """Every event of a run in order.

    Args:
        one_run: The run.
        horizon_minutes: What would come later is left out.
    """
    end_ms = horizon_minutes * 60_000
    events = [event for part in one_run.parts for event in _of_part(part, one_run)]
    if one_run.abort is not None:
        events.append(
            Event(one_run.abort.at_ms, Happening.ABORTED, -1, 0, ExecutionStatus.CANCELED)
        )
    return sorted(event for event in events if event.at_ms < end_ms)


def _of_part(part: Executions, one_run: Run) -> Iterator[Event]:
    abort_ms = None if one_run.abort is None else one_run.abort.at_ms
    attempts = part.attempts
    for location in range(len(part)):
        thing, attempt = int(attempts.thing[location]), int(part.attempt[location])
        queued, started = int(attempts.queued_ms[location]), int(attempts.started_ms[location])
        if abort_ms is not None and (queued > abort_ms or (attempt > 1 and queued == abort_ms)):
            continue
        yield Event(queued, Happening.QUEUED, thing, attempt, ExecutionStatus.QUEUED)
        if abort_ms is not None and started > abort_ms:
            yield Event(abort_ms, Happening.CANCELED, thing, attempt, ExecutionStatus.CANCELED)
            continue
        yield Event(started, Happening.STARTED, thing, attempt, ExecutionStatus.IN_PROGRESS)
        if part.status[location] < EXECUTED_CODES:
            status = STATUSES[part.status[location]]
            yield Event(int(part.ended_ms[location]), Happening.ENDED, thing, attempt, status)
