"""How often a job is polled, and with how many calls."""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS

#: The service is polled after this time without an event.
SILENT_AFTER_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How often a job is polled, and with how many calls.

    Attributes:
        interval_seconds: From one poll to the next, without events.
        extra_calls: Calls that a poll may make in addition to DescribeJob, if counts changed.
        details: The most things that are described one by one, in total: the reasons of failures.
        sample: How many of those may be things that succeeded.
        silent_seconds: A thing in progress is silent after this time without a report.
        silent_after_seconds: With events: the service is polled after this time without one. While
            nothing happens, the time doubles up to ``silent_seconds``.
        alarm_seconds: From one poll of the alarms to the next.
    """

    interval_seconds: float = DEFAULT_POLL_SECONDS
    extra_calls: int = 5
    details: int = DEFAULT_DETAILS
    sample: int = 50
    silent_seconds: float = 300.0
    silent_after_seconds: float = SILENT_AFTER_SECONDS
    alarm_seconds: float = 60.0
