"""The two arms of a comparison: things of a wave, and things that were never notified.

- Both arms are in the order of the hash that divides the waves (``rules.waves.membership``), so
  they are random samples of the same things, and the same on any machine.
- Both arms are the things connected when the wave began. A thing that answered a job was online by
  definition; a control without that condition would be offline more often, and hide a worse wave.
  Every connected thing of the wave counts, however its execution ended.
- The control has up to ten times as many things as the wave, each arm at most 2,000.
- After the last wave every thing was notified; its control are the things that belong to no wave
  (``exceptThings``).
- A wave of groups was not drawn by the hash, so it has no control. Nor has a wave whose control
  would be under half its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from otactl.model.comparison import ArmCount, ComparedOutcome
from otactl.model.thing_state import ThingState
from otactl.model.wave import WaveSize
from otactl.rules.waves.membership import expected_sizes, in_hash_order

#: Most things of one arm: each is read by itself when the wave begins, and at each comparison.
MAX_ARM = 2_000
#: Things of the control for each thing of the wave.
CONTROL_PER_THING = 10
_LEAST_CONTROL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSizes:
    """How many things are in each arm."""

    wave: int
    control: int

    @classmethod
    def at_most(cls, wave: int, unnotified: int) -> ArmSizes:
        """The arms' sizes for a wave of N things, if all are connected."""
        return cls(wave=min(wave, MAX_ARM), control=min(control_size(wave), unnotified))

    @property
    def not_compared(self) -> str:
        """Why arms of these sizes are not compared; empty if they are."""
        if not self.wave:
            return "no thing of the wave was known to be connected when it began"
        if self.control < self.wave * _LEAST_CONTROL:
            return (
                f"the control has {self.control:,} things, under half of the wave's {self.wave:,}"
            )
        return ""


def control_size(wave: int) -> int:
    """The most things that the control of a wave has."""
    return min(CONTROL_PER_THING * wave, MAX_ARM)


def control_candidates(later: Iterable[str], excepted: Iterable[str], *, seed: str) -> list[str]:
    """The things that a control is drawn from, in order.

    Args:
        later: The things of all later waves; empty after the last.
        excepted: The things in no wave; used only if ``later`` is empty.
        seed: The seed that divides the waves.
    """
    return in_hash_order(tuple(later) or excepted, seed)


def draw(states: Iterable[ThingState], size: int) -> tuple[ThingState, ...]:
    """The first N connected things, as the wave begins; reads no further state."""
    return tuple(islice((each for each in states if each.is_connected), size))


def count_arm(
    drawn: Iterable[ThingState],
    now: Mapping[str, ThingState],
    outcome: ComparedOutcome,
    *,
    maximum_boots: int,
) -> ArmCount:
    """Count the bad things of a drawn arm; more boots than the maximum since the draw are bad."""
    found = [_is_bad(each, now.get(each.thing_name), outcome, maximum_boots) for each in drawn]
    return ArmCount(
        things=len(found), readable=len(found) - found.count(None), bad=sum(filter(None, found))
    )


def _is_bad(
    before: ThingState, now: ThingState | None, outcome: ComparedOutcome, maximum_boots: int
) -> bool | None:
    """Whether a thing is bad; None if it could not be read."""
    if now is None or now.unreadable:
        return None
    if outcome is ComparedOutcome.NOT_CONNECTED:
        return None if now.is_connected is None else not now.is_connected
    if before.boots is None or now.boots is None:
        return None
    return now.boots - before.boots > maximum_boots


def expected_arms(
    sizes: Sequence[WaveSize], things: int, excepted: int
) -> tuple[ArmSizes | None, ...]:
    """The arms of each wave if all things are connected; None for a wave that is not compared."""
    found = list[ArmSizes | None]()
    known = expected_sizes(sizes, things)
    left = things
    for size, given in zip(sizes, known, strict=True):
        left -= given or 0
        arms = ArmSizes.at_most(given or 0, left or excepted)
        found.append(None if size.groups or arms.not_compared else arms)
    return tuple(found)
