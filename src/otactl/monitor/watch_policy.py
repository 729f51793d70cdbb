"""How closely a job is watched, and what that may cost."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS

#: How long no event may come before the service is asked whether something happened.
SILENT_AFTER_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How closely a job is watched.

    Attributes:
        interval_seconds: From one look to the next, while polling.
        extra_calls: Calls a look may make beside its DescribeJob, when counts moved.
        details: Things that may be asked about one by one, in all: the reasons of failures.
        sample: How many of those may be things that succeeded.
        silent_seconds: A thing in progress is silent when it did not report for so long.
        silent_after_seconds: With events: how long none may come before the service is asked. While
            nothing has happened, the pause doubles up to ``silent_seconds``.
        alarm_seconds: From one look at the alarms to the next.
    """

    interval_seconds: float = DEFAULT_POLL_SECONDS
    extra_calls: int = 5
    details: int = DEFAULT_DETAILS
    sample: int = 50
    silent_seconds: float = 300.0
    silent_after_seconds: float = SILENT_AFTER_SECONDS
    alarm_seconds: float = 60.0
