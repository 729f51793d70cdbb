"""What `otactl doctor` found: one thing about an account, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """The state of one area of an account."""

    GOOD = "good"
    #: Works, but is worth knowing.
    NOTE = "note"
    #: Something of otactl will not work.
    WARNING = "warning"
    #: A deployment will fail.
    BAD = "bad"
    #: Could not be checked: this endpoint lacks the API, or denies the call.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding.

    Attributes:
        area: What was checked, in a word or two.
        found: What was found.
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
    """Works, but is worth knowing."""
    return Diagnosis(area=area, health=Health.NOTE, found=found, advice=advice)


def unknown(area: str, found: str, advice: str = "") -> Diagnosis:
    """Could not be checked."""
    return Diagnosis(area=area, health=Health.UNKNOWN, found=found, advice=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a real account answered on an open point of AWS's documentation, and what is assumed.

    Attributes:
        point: Which open point of AWS's documentation it settles.
        question: The question that was tested.
        assumed: What otactl and its local cloud assume.
        observed: What AWS answered.
        agrees: Whether both are the same; None when nothing was observed.
    """

    point: str
    question: str
    assumed: str
    observed: str
    agrees: bool | None
