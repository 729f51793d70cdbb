"""Whether what is heard of a thing concerns the attempt that is known, a later or an earlier one.

Pages and descriptions number the executions of a thing; the events of AWS do not (aws-facts F4).
So an event's attempt is known by its time, which has whole seconds, and a number that was only
guessed gives way to time as well.
"""

from __future__ import annotations

from enum import Enum

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus

#: The time of an event and that of its execution are the same when not further apart than this.
SAME_MS = 2000
_SECOND_MS = 1000
#: What the service makes of an execution without a thing saying anything.
_DECIDED = (ExecutionStatus.CANCELED, ExecutionStatus.REMOVED)


class Attempt(Enum):
    """Which attempt something is about, seen from the one that is known."""

    SAME = "same"
    LATER = "later"
    EARLIER = "earlier"


def relate(
    known: ThingOutcome, heard: ThingOutcome, *, numbered: bool, may_repeat: bool
) -> Attempt:
    """Tell which attempt was heard of.

    Args:
        known: The last execution of the thing that is known.
        heard: What was heard of one of its executions.
        numbered: Whether both execution numbers are the service's own.
        may_repeat: Whether a thing can have several executions at all.
    """
    if numbered:
        return _by_order(heard.execution_number, known.execution_number)
    if not may_repeat:
        return Attempt.SAME
    known_ms, heard_ms = known.updated_at_ms or 0, heard.updated_at_ms or 0
    if not known.status.is_terminal:
        # What ended no later than the second in which this attempt began ended the one before.
        begun_ms = (known.queued_at_ms or 0) // _SECOND_MS * _SECOND_MS
        is_earlier = known.execution_number > 1 and heard_ms <= begun_ms
        return Attempt.EARLIER if is_earlier else Attempt.SAME
    if heard.status is known.status and abs(heard_ms - known_ms) <= SAME_MS:
        return Attempt.SAME
    if heard_ms // _SECOND_MS == known_ms // _SECOND_MS:
        # Only the service itself is so quick: it cancels the retry that it has just queued.
        return _by_order(heard.status in _DECIDED, known.status in _DECIDED)
    return _by_order(heard_ms, known_ms)


def _by_order(heard: int, known: int) -> Attempt:
    if heard == known:
        return Attempt.SAME
    return Attempt.LATER if heard > known else Attempt.EARLIER
