"""When a started execution times out.

| rule | source |
|---|---|
| the in-progress timer starts when the execution becomes IN_PROGRESS, and no later report | |
| resets it | Developer Guide, jobs-configurations-details; aws-facts D |
| a step timer starts with the report that sets it; a new one replaces it, -1 discards it | D |
| the earlier of the two decides: a step timer cannot outlive the in-progress timer | D |
| TIMED_OUT may be set up to 60 s late | botocore ``iot`` InProgressTimeoutInMinutes |
| without a timer an execution may stay IN_PROGRESS for ever | aws-facts D |
| a QUEUED execution has no timer: a thing that never connects never times out | aws-facts D |
"""

from __future__ import annotations

MINUTE_MS = 60_000
#: How late the service may set TIMED_OUT.
LATENESS_MS = 60_000
#: The value of stepTimeoutInMinutes that discards the step timer (Update only).
DISCARD_STEP_TIMEOUT = -1


def deadline_ms(
    started_at_ms: int,
    in_progress_timeout_minutes: int | None,
    *,
    step_started_at_ms: int | None = None,
    step_timeout_minutes: int | None = None,
) -> int | None:
    """When the execution times out, in epoch milliseconds; None without a timer."""
    deadlines = []
    if in_progress_timeout_minutes is not None:
        deadlines.append(started_at_ms + in_progress_timeout_minutes * MINUTE_MS)
    if step_timeout_minutes is not None and step_timeout_minutes != DISCARD_STEP_TIMEOUT:
        begun = started_at_ms if step_started_at_ms is None else step_started_at_ms
        deadlines.append(begun + step_timeout_minutes * MINUTE_MS)
    return min(deadlines, default=None)


def is_over(now_ms: int, deadline: int | None) -> bool:
    """Whether the deadline has passed; a report exactly at the deadline is in time."""
    return deadline is not None and now_ms > deadline


def is_overdue(now_ms: int, deadline: int | None) -> bool:
    """Whether the service should have set TIMED_OUT by now, lateness included."""
    return deadline is not None and now_ms > deadline + LATENESS_MS
