"""Numbers in a finding, short enough to read in a CI log."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TEN = 10


def percent(share: float) -> str:
    """``0.5%``, ``12%``."""
    value = 100 * share
    return f"{value:.0f}%" if value >= _TEN or value == 0 else f"{value:.2g}%"


def chance(probability: float) -> str:
    """A probability in percent; never a flat 0 or 100 for what is neither."""
    if 0 < probability < 0.0005:  # noqa: PLR2004  # below a twentieth of a percent
        return "less than 0.05%"
    if 0.995 <= probability < 1:  # noqa: PLR2004
        return "more than 99%"
    return percent(probability)


def duration(seconds: float) -> str:
    """The two largest units would be too exact for an estimate: one."""
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}s"
    return f"{max(1, round(seconds))} seconds"


def counted(count: int, noun: str) -> str:
    """``1 thing``, ``2,000 things``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
