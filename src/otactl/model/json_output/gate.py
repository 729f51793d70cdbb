"""What ``--output json`` says of gates: comparisons, verdicts, versions of things."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Arm(TypedDict):
    """One side of a comparison; counts are things."""

    things: int
    readable: int
    bad: int


class OutcomeComparison(TypedDict):
    """How often something went wrong in a wave, beside things that were not updated."""

    outcome: str
    verdict: str
    wave: Arm
    control: Arm
    difference: float | None
    interval95: list[float | None] | None
    visibleAt80: float | None
    """The smallest difference that arms of this size show in 80% of cases."""
    p: float | None
    threshold: float | None


class ComparisonAtSoak(TypedDict):
    """A comparison at one point of the soak time."""

    soak: str
    at: str
    verdict: str
    outcomes: list[OutcomeComparison]


class WaveComparison(TypedDict):
    """A wave beside things that were not updated."""

    verdict: str | None
    notCompared: str | None
    made: list[ComparisonAtSoak]


class Gate(TypedDict):
    """What the gate of a wave says."""

    verdict: str
    reasons: list[str]
    question: str | None
    soakLeftSeconds: float | None
    decidedAt: str | None
    comparison: WaveComparison | None
    #: What things report, in words; only where versions are verified.
    versions: NotRequired[str]


class ThingVersion(TypedDict):
    """What a thing reports that was not found to run the new version."""

    thing: str
    verdict: str | None
    former: str | None
    reported: str | None


class Versions(TypedDict):
    """What things report about their version, where it is verified."""

    expected: str
    counts: dict[str, int]
    unverified: list[ThingVersion]


class Verified(TypedDict, total=False):
    """A result whose versions may be verified."""

    versions: Versions
