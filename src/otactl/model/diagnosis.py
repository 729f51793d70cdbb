"""What `otactl doctor` found: one thing about an account, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How something stands."""

    GOOD = "good"
    #: Works, and wants to be known.
    NOTE = "note"
    #: Something of otactl will not work.
    WARNING = "warning"
    #: A deployment will fail.
    BAD = "bad"
    #: It could not be looked at: this endpoint has no such thing, or does not allow the question.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding.

    Attributes:
        area: What was looked at, in a word or two.
        found: How it is.
        advice: What to do; empty when there is nothing to do.
    """

    area: str
    health: Health
    found: str
    advice: str = ""


def good(area: str, found: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis(area=area, health=Health.GOOD, found=found)


def bad(area: str, found: str, advice: str) -> Diagnosis:
    """A deployment will fail."""
    return Diagnosis(area=area, health=Health.BAD, found=found, advice=advice)


def warning(area: str, found: str, advice: str) -> Diagnosis:
    """Something will not work."""
    return Diagnosis(area=area, health=Health.WARNING, found=found, advice=advice)


def note(area: str, found: str, advice: str = "") -> Diagnosis:
    """Works, and wants to be known."""
    return Diagnosis(area=area, health=Health.NOTE, found=found, advice=advice)


def unknown(area: str, found: str, advice: str = "") -> Diagnosis:
    """Could not be looked at."""
    return Diagnosis(area=area, health=Health.UNKNOWN, found=found, advice=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a real account answered where AWS's documentation is open, beside what is assumed.

    Attributes:
        point: Which open point of AWS's documentation it settles.
        question: What was asked.
        assumed: What otactl and its local cloud take for granted.
        observed: What came back.
        agrees: Whether both are the same; None when nothing was observed.
    """

    point: str
    question: str
    assumed: str
    observed: str
    agrees: bool | None
