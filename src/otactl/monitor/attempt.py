"""Whether a report on a thing is about its known attempt, a later or an earlier one.

Pages and descriptions number the executions of a thing; the events of AWS do not (aws-facts F4).
So an event's attempt is determined by its time, in whole seconds. So is the attempt of a report if
the known number is only a guess.
"""

from __future__ import annotations

from enum import Enum

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus

#: The times of an event and of its execution count as the same up to this difference.
SAME_MS = 2000
_SECOND_MS = 1000
#: The statuses that the service sets without a report of the thing.
_DECIDED = (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)


class Attempt(Enum):
    """Which attempt a report is about, compared with the known one."""

    SAME = "same"
    LATER = "later"
    EARLIER = "earlier"


def relate(
    known: ThingOutcome, reported: ThingOutcome, *, numbered: bool, may_repeat: bool
) -> Attempt:
    """Decide which attempt was reported.

    Args:
        known: The last known execution of the thing.
        reported: A report on one of its executions.
        numbered: Whether both execution numbers are the service's own.
        may_repeat: Whether a thing can have several executions at all.
    """
    if numbered:
        return _by_order(reported.execution_number, known.execution_number)
    if not may_repeat:
        return Attempt.SAME
    known_ms, reported_ms = known.updated_at_ms or 0, reported.updated_at_ms or 0
    if not known.status.is_terminal:
        # An end no later than the second in which this attempt began is of the attempt before.
        begun_ms = (known.queued_at_ms or 0) // _SECOND_MS * _SECOND_MS
        is_earlier = known.execution_number > 1 and reported_ms <= begun_ms
        return Attempt.EARLIER if is_earlier else Attempt.SAME
    if reported.status is known.status and abs(reported_ms - known_ms) <= SAME_MS:
        return Attempt.SAME
    if reported_ms // _SECOND_MS == known_ms // _SECOND_MS:
        # Only the service is this fast: it cancels a retry that it has just queued.
        return _by_order(reported.status in _DECIDED, known.status in _DECIDED)
    return _by_order(reported_ms, known_ms)


def _by_order(reported: int, known: int) -> Attempt:
    if reported == known:
        return Attempt.SAME
    return Attempt.LATER if reported > known else Attempt.EARLIER
