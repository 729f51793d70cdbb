"""What a real account answered to a question that AWS's documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One answer, beside what otactl assumes.

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
