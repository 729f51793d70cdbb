"""``compare`` of ``[WAVE_CONFIG]``: a wave against things that were not updated, in values.

``rules.comparison`` draws both arms and compares them. A comparison can only stop a deployment:
if it shows no difference, something may still be wrong, so no text here says that all is well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from otactl.model.thing_state import VersionSource


class ComparisonVerdict(StrEnum):
    """The result of comparing a wave with its control."""

    WORSE = "worse"
    NOT_SHOWN_WORSE = "not shown worse"
    #: Too few things of an arm could be read.
    NO_DATA = "no data"


class ComparedOutcome(StrEnum):
    """What is counted in both arms."""

    NOT_CONNECTED = "not connected"
    BOOTS = "more boots than maximumBoots"


class SoakPoint(StrEnum):
    """When during the soak a comparison is made."""

    HALF = "half"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRule:
    """How waves are compared with controls.

    Attributes:
        minimum_difference: Smaller differences never stop anything; hundredths of a percent.
        is_required: Whether *no data* holds the gate.
    """

    minimum_difference: int = 100
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """How the waves of one deployment are compared; a part of its plan.

    Attributes:
        seed: Deals things to waves and draws the arms.
        waves: Numbers of the waves that are compared, from 1.
        source: Where things report their boots; None when boots are not compared.
        maximum_boots: More boots than this since the wave began are bad.
    """

    rule: CompareRule
    seed: str
    waves: tuple[int, ...]
    source: VersionSource | None = None
    maximum_boots: int = 0

    @property
    def outcomes(self) -> tuple[ComparedOutcome, ...]:
        """What is counted."""
        return (ComparedOutcome.NOT_CONNECTED,) if self.source is None else tuple(ComparedOutcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCount:
    """One arm at one poll.

    Attributes:
        things: Those that were connected when the wave began.
        readable: Those of them whose outcome could be read now.
        bad: Those of the readable ones whose outcome is bad.
    """

    things: int
    readable: int
    bad: int

    @property
    def share(self) -> float:
        """The share of bad things among the readable ones; 0 if none is readable."""
        return self.bad / self.readable if self.readable else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeComparison:
    """One outcome, compared at one poll.

    Attributes:
        p: The p-value of the one-sided Fisher test; None without data.
        threshold: The p at or below which it is worse.
        low, high: The 95% interval of the difference of shares, wave minus control.
        visible: The smallest difference that is detected with a probability of 80%, at the
            control's share; None if none is.
    """

    outcome: ComparedOutcome
    verdict: ComparisonVerdict
    wave: ArmCount
    control: ArmCount
    threshold: float
    p: float | None = None
    low: float | None = None
    high: float | None = None
    visible: float | None = None

    @property
    def difference(self) -> float | None:
        """The share of bad things in the wave minus that in the control; None without data."""
        return None if self.p is None else self.wave.share - self.control.share

    @property
    def interval(self) -> tuple[float | None, float | None] | None:
        """The 95% interval of the difference; None without data."""
        return None if self.p is None else (self.low, self.high)

    @property
    def words(self) -> str:
        """The verdict and all figures on one line."""
        if self.difference is None or self.low is None or self.high is None:
            return (
                f"{self.verdict}: {self.outcome} could be read of {self.wave.readable:,} of"
                f" {self.wave.things:,} things of the wave and {self.control.readable:,} of"
                f" {self.control.things:,} of the control"
            )
        visible = "none" if self.visible is None else _points(self.visible)
        return (
            f"{self.verdict}: {self.outcome} {self.wave.bad:,} of {self.wave.readable:,} things"
            f" of the wave, {self.control.bad:,} of {self.control.readable:,} of the control:"
            f" {_points(self.difference)} points (95% interval {_points(self.low)} to"
            f" {_points(self.high)}, visible at 80%: {visible})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison of both arms at one poll, as the journal stores it.

    Attributes:
        at_ms: When it was made, epoch milliseconds by AWS's clock.
    """

    wave: int
    point: SoakPoint
    at_ms: int
    outcomes: tuple[OutcomeComparison, ...]

    @property
    def words(self) -> str:
        """All outcomes on one line."""
        return "; ".join(each.words for each in self.outcomes)

    @property
    def verdict(self) -> ComparisonVerdict:
        """WORSE if one outcome is, else NO_DATA if one has none."""
        found = {each.verdict for each in self.outcomes}
        for verdict in (ComparisonVerdict.WORSE, ComparisonVerdict.NO_DATA):
            if verdict in found:
                return verdict
        return ComparisonVerdict.NOT_SHOWN_WORSE


def _points(share: float) -> str:
    """A difference of shares in percentage points: ``+4.2``."""
    return f"{100 * share:+.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveComparison:
    """The comparisons of one wave, as its gate uses them.

    Attributes:
        made: The comparisons so far, in order.
        is_required: Whether the gate waits for a comparison with data.
        not_compared: Why the wave is not compared, in words; empty if it is or will be.
        lacks_data: Whether that reason is missing data, not the plan.
    """

    made: tuple[Comparison, ...] = ()
    is_required: bool = False
    not_compared: str = ""
    lacks_data: bool = False

    @property
    def verdict(self) -> ComparisonVerdict | None:
        """The verdict of the last comparison; None before the first."""
        return self.made[-1].verdict if self.made else None

    @property
    def worse(self) -> Comparison | None:
        """The first comparison that found the wave worse."""
        return next((one for one in self.made if one.verdict is ComparisonVerdict.WORSE), None)

    @property
    def missing(self) -> str:
        """Why the gate waits for a person, in words; empty if it does not."""
        last = self.made[-1] if self.made else None
        if not self.is_required or (self.not_compared and not self.lacks_data):
            return ""
        if last is None:
            return self.not_compared or "no comparison was made"
        return last.words if last.verdict is ComparisonVerdict.NO_DATA else ""

    @property
    def words(self) -> str:
        """The result of the last comparison, or why there is none; empty before the first."""
        if self.made:
            return f"compared with its control, {self.made[-1].words}"
        return self.not_compared and f"not compared: {self.not_compared}"


COMPARISON: TypeAdapter[Comparison] = TypeAdapter(Comparison)
