"""What the keys of [SCHEDULING_CONFIG] require of each other, and of the time it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, forbid, keys
from otactl.model.cron import parse_cron
from otactl.model.status import TargetSelection

#: Any eight years have a 29 February.
_EIGHT_YEARS = timedelta(days=8 * 366)


def _schedule_lasts(end: str | None, start: str | None) -> Finding | None:
    """From start to end: 30 minutes to two years (facts A6)."""
    if start is None or end is None:
        return None
    lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    if lasts < timedelta(minutes=limits.SCHEDULE_SHORTEST_MINUTES):
        shortest = f"{limits.SCHEDULE_SHORTEST_MINUTES} minutes"
        return Finding("range", f"must be at least {shortest} behind startTime")
    if lasts > timedelta(days=limits.SCHEDULE_LONGEST_DAYS):
        return Finding("range", "must be at most two years behind startTime")
    return None


def schedule_is_ahead(now_ms: int) -> tuple[Rule, ...]:
    """Both times lie 30 minutes ahead at least; the start a year, the end two years at most.

    Args:
        now_ms: Epoch milliseconds.
    """
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC).replace(tzinfo=None)

    def is_ahead(key: str, furthest_days: int) -> Rule:
        def check(moment: str | None) -> Finding | None:
            if moment is None:
                return None
            ahead = datetime.fromisoformat(moment) - now
            if ahead < timedelta(minutes=limits.SCHEDULE_LEAD_MINUTES):
                return Finding(
                    "range",
                    f"must be at least {limits.SCHEDULE_LEAD_MINUTES} minutes ahead; it is "
                    f"{now:%Y-%m-%d %H:%M} UTC now",
                )
            if ahead > timedelta(days=furthest_days):
                return Finding("range", f"must be at most {furthest_days} days ahead")
            return None

        return Rule(keys(key), check)

    return (
        is_ahead("SCHEDULING_CONFIG.startTime", limits.SCHEDULE_FURTHEST_START_DAYS),
        is_ahead("SCHEDULING_CONFIG.endTime", limits.SCHEDULE_LONGEST_DAYS),
    )


def windows_open(names: Iterable[str], now_ms: int) -> tuple[Rule, ...]:
    """Each maintenance window opens before the schedule ends; 30 February never comes.

    Args:
        names: Of the windows.
        now_ms: Epoch milliseconds.
    """
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC).replace(tzinfo=None)

    def check(cron: str, start: str | None, end: str | None) -> Finding | None:
        first = now if start is None else max(now, datetime.fromisoformat(start))
        last = first + _EIGHT_YEARS if end is None else datetime.fromisoformat(end)
        if any(True for _ in parse_cron(cron).openings(first, last)):
            return None
        within = f"before endTime, {end}" if end else "in the next eight years"
        return Finding("never", f"{cron} does not open {within}")

    times = ("SCHEDULING_CONFIG.startTime", "SCHEDULING_CONFIG.endTime")
    return tuple(
        Rule(keys(f"MAINTENANCE_WINDOW_{name}.startTime", *times), check) for name in names
    )


SCHEDULE_RULES: tuple[Rule, ...] = (
    forbid(
        keys(
            "SCHEDULING_CONFIG.startTime",
            "SCHEDULING_CONFIG.endTime",
            "SCHEDULING_CONFIG.maintenanceWindowList",
        ),
        lambda start, end, windows: start is None and end is None and not windows,
        "neither it nor endTime or maintenanceWindowList is given",
        hint="or write useSchedulingConfig = False",
    ),
    Rule(keys("SCHEDULING_CONFIG.endTime", "SCHEDULING_CONFIG.startTime"), _schedule_lasts),
    # The service ignores endBehavior without endTime (facts A6).
    forbid(
        keys("SCHEDULING_CONFIG.endBehavior", "SCHEDULING_CONFIG.endTime"),
        lambda behavior, end: behavior is not None and end is None,
        "has no effect without endTime",
        severity=Severity.WARNING,
        code="never",
    ),
    # Maintenance windows are refused for SNAPSHOT jobs (facts A6).
    forbid(
        keys("SCHEDULING_CONFIG.maintenanceWindowList", "DEFAULT.targetSelection"),
        lambda windows, selection: windows and selection is not TargetSelection.CONTINUOUS,
        "needs targetSelection = CONTINUOUS; the service refuses it for SNAPSHOT jobs",
    ),
)
