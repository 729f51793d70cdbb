"""What ``--output json`` says of gates: comparisons, verdicts, versions of things."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.shaping import Moment, NullIfEmpty, Of, Seconds


class Arm(TypedDict):
    """One side of a comparison; counts are things."""

    things: int
    readable: int
    bad: int


class OutcomeComparison(TypedDict):
    """How often something went wrong in a wave, and in things that were not updated."""

    outcome: str
    verdict: str
    wave: Arm
    control: Arm
    difference: float | None
    interval95: Annotated[list[float | None] | None, Of("interval")]
    visibleAt80: Annotated[float | None, Of("visible")]
    """The smallest difference that arms of this size show in 80% of cases."""
    p: float | None
    threshold: float | None


class ComparisonAtSoak(TypedDict):
    """A comparison at one point of the soak time."""

    soak: Annotated[str, Of("point")]
    at: Annotated[str, Of("at_ms"), Moment]
    verdict: str
    outcomes: list[OutcomeComparison]


class WaveComparison(TypedDict):
    """A wave compared with things that were not updated."""

    verdict: str | None
    notCompared: Annotated[str | None, NullIfEmpty]
    made: list[ComparisonAtSoak]


class Gate(TypedDict):
    """The status of the gate of a wave."""

    verdict: str
    reasons: list[str]
    question: str | None
    soakLeftSeconds: Annotated[float | None, Of("soak_left_ms"), Seconds]
    decidedAt: Annotated[str | None, Of("decided_ms"), Moment]
    comparison: WaveComparison | None
    #: What things report, in words; only where versions are verified.
    versions: NotRequired[Annotated[str, Of("version_words")]]


class ThingVersion(TypedDict):
    """The version that a thing reports, and the verdict on it."""

    thing: str
    verdict: str | None
    former: str | None
    reported: str | None


class Versions(TypedDict):
    """The versions that things report, if versions are verified."""

    expected: str
    counts: dict[str, int]
    unverified: list[ThingVersion]


class Verified(TypedDict):
    """A result whose versions may be verified."""

    versions: NotRequired[Versions]
