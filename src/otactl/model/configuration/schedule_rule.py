"""What the keys of [SCHEDULING_CONFIG] require of each other, and of the time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from otactl.errors.problem import Severity
from otactl.model import limits
from otactl.model.configuration.job_section import EndBehavior
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, keys
from otactl.model.status import TargetSelection


def schedule_is_not_empty(
    start: str | None, end: str | None, windows: tuple[str, ...]
) -> Finding | None:
    """A schedule says at least one thing."""
    if start is None and end is None and not windows:
        return Finding(
            code="requires",
            message="neither it nor endTime or maintenanceWindowList is given",
            hint="or write useSchedulingConfig = False",
        )
    return None


def schedule_lasts(end: str | None, start: str | None) -> Finding | None:
    """From start to end: 30 minutes to two years (facts A6)."""
    if start is None or end is None:
        return None
    lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    if lasts < timedelta(minutes=limits.SCHEDULE_SHORTEST_MINUTES):
        return Finding(
            code="range",
            message=f"must be at least {limits.SCHEDULE_SHORTEST_MINUTES} minutes behind startTime",
        )
    if lasts > timedelta(days=limits.SCHEDULE_LONGEST_DAYS):
        return Finding(code="range", message="must be at most two years behind startTime")
    return None


def end_behavior_has_an_end(behavior: EndBehavior | None, end: str | None) -> Finding | None:
    """The service ignores endBehavior without endTime (facts A6)."""
    if behavior is not None and end is None:
        return Finding(
            code="never",
            message="has no effect without endTime",
            severity=Severity.WARNING,
        )
    return None


def windows_are_for_continuous(
    windows: tuple[str, ...], selection: TargetSelection
) -> Finding | None:
    """Maintenance windows are refused for SNAPSHOT jobs (facts A6)."""
    if windows and selection is not TargetSelection.CONTINUOUS:
        return Finding(
            code="requires",
            message="needs targetSelection = CONTINUOUS; the service refuses it for SNAPSHOT jobs",
        )
    return None


def _ahead(moment: str | None, now_ms: int, furthest_days: int) -> Finding | None:
    if moment is None:
        return None
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC).replace(tzinfo=None)
    ahead = datetime.fromisoformat(moment) - now
    if ahead < timedelta(minutes=limits.SCHEDULE_LEAD_MINUTES):
        return Finding(
            code="range",
            message=(
                f"must be at least {limits.SCHEDULE_LEAD_MINUTES} minutes ahead; it is "
                f"{now:%Y-%m-%d %H:%M} UTC now"
            ),
        )
    if ahead > timedelta(days=furthest_days):
        return Finding(code="range", message=f"must be at most {furthest_days} days ahead")
    return None


def schedule_is_ahead(now_ms: int) -> tuple[Rule, ...]:
    """Both times lie 30 minutes ahead at least; the start a year, the end two years at most.

    Args:
        now_ms: Epoch milliseconds.
    """

    def start_is_ahead(start: str | None) -> Finding | None:
        return _ahead(start, now_ms, limits.SCHEDULE_FURTHEST_START_DAYS)

    def end_is_ahead(end: str | None) -> Finding | None:
        return _ahead(end, now_ms, limits.SCHEDULE_LONGEST_DAYS)

    return (
        Rule(keys("SCHEDULING_CONFIG.startTime"), start_is_ahead),
        Rule(keys("SCHEDULING_CONFIG.endTime"), end_is_ahead),
    )


SCHEDULE_RULES: tuple[Rule, ...] = (
    Rule(
        keys(
            "SCHEDULING_CONFIG.startTime",
            "SCHEDULING_CONFIG.endTime",
            "SCHEDULING_CONFIG.maintenanceWindowList",
        ),
        schedule_is_not_empty,
    ),
    Rule(keys("SCHEDULING_CONFIG.endTime", "SCHEDULING_CONFIG.startTime"), schedule_lasts),
    Rule(
        keys("SCHEDULING_CONFIG.endBehavior", "SCHEDULING_CONFIG.endTime"),
        end_behavior_has_an_end,
    ),
    Rule(
        keys("SCHEDULING_CONFIG.maintenanceWindowList", "DEFAULT.targetSelection"),
        windows_are_for_continuous,
    ),
)
