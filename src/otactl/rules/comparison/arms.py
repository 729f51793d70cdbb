"""Who is compared: things of a wave, and things that were never notified.

- The order is that of the hash that dealt the waves (``rules.waves.membership``), so both arms are
  random samples of the same things, and the same on any machine.
- Both arms are the things connected when the wave began. A thing that answered a job was online by
  definition; a control that was not asked the same would be offline more often, and hide a wave
  that is worse. Of the wave each such thing counts, whatever became of it.
- The control has up to ten times as many things as the wave, each arm at most 2,000.
- The last wave leaves nothing that was never notified; things that belong to no wave
  (``exceptThings``) stand in for it.
- A wave of groups was not drawn by the hash, so it has no control. Neither has a wave whose control
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

#: Things of one arm at most: each is read one by one when the wave begins, and at each look.
MAX_ARM = 2_000
#: Things of the control for each of the wave.
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
        """Why these are not compared, in words; empty if they are."""
        if not self.wave:
            return "no thing of the wave was known to be connected when it began"
        if self.control < self.wave * _LEAST_CONTROL:
            return (
                f"the control has {self.control:,} things, under half of the wave's {self.wave:,}"
            )
        return ""


def control_size(wave: int) -> int:
    """How many things the control of a wave has at most."""
    return min(CONTROL_PER_THING * wave, MAX_ARM)


def control_candidates(later: Iterable[str], excepted: Iterable[str], *, seed: str) -> list[str]:
    """The things that a control is drawn from, in order.

    Args:
        later: Those of all waves behind; none behind the last.
        excepted: Those in no wave; taken only when there are no later ones.
        seed: Of the deal of the waves.
    """
    return in_hash_order(tuple(later) or excepted, seed)


def draw(states: Iterable[ThingState], size: int) -> tuple[ThingState, ...]:
    """The first that are connected, as they are when the wave begins; no more are read."""
    return tuple(islice((each for each in states if each.is_connected), size))


def count_arm(
    drawn: Iterable[ThingState],
    now: Mapping[str, ThingState],
    outcome: ComparedOutcome,
    *,
    maximum_boots: int,
) -> ArmCount:
    """What became of an arm as it was drawn; more boots than the maximum since then are bad."""
    found = [_is_bad(each, now.get(each.thing_name), outcome, maximum_boots) for each in drawn]
    return ArmCount(
        things=len(found), readable=len(found) - found.count(None), bad=sum(filter(None, found))
    )


def _is_bad(
    before: ThingState, now: ThingState | None, outcome: ComparedOutcome, maximum_boots: int
) -> bool | None:
    """None when it could not be read."""
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
    """The arms of each wave if all things are connected; None of a wave that is not compared."""
    found = list[ArmSizes | None]()
    known = expected_sizes(sizes, things)
    left = things
    for size, given in zip(sizes, known, strict=True):
        left -= given or 0
        arms = ArmSizes.at_most(given or 0, left or excepted)
        found.append(None if size.groups or arms.not_compared else arms)
    return tuple(found)
