"""Which thing is in which wave.

- A thing belongs to the first wave that takes it, and to exactly one.
- A wave of groups takes the listed things that are in one of them.
- A number or a percentage takes things by a hash of seed and name, so the same list and the same
  seed give the same waves on any machine. Percentages are of all listed things, rounded up.
- Preferred things are taken before all others, each kind in the order of the hash. A wave of groups
  takes all its things, preferred or not.
- A wave of size ``rest`` takes what is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from otactl.model.thing_state import ThingState
from otactl.model.wave import WHOLE, WaveSize

#: A thing that disconnected longer ago is not recent: a day, since many connect once a day.
RECENT_MS = 86_400_000


def share_of(things: int, hundredths: int) -> int:
    """A percentage of things, rounded up to whole things."""
    return -(-things * hundredths // WHOLE)


def in_hash_order(things: Iterable[str], seed: str) -> list[str]:
    """Things in the order of a seed: the first N are a random sample, for any N."""
    return sorted(things, key=lambda name: (_rank(seed, name), name))


def divide(
    things: Iterable[str],
    sizes: Sequence[WaveSize],
    *,
    seed: str,
    members: Mapping[str, Collection[str]],
    preferred: Collection[str] = (),
) -> tuple[tuple[str, ...], ...]:
    """Divide things into waves; a wave for which nothing is left is empty.

    The same seed and the same things give the same waves; preferred things are taken first.
    """
    first = frozenset(preferred)
    left = dict.fromkeys(sorted(in_hash_order(things, seed), key=lambda name: name not in first))
    total = len(left)
    waves = []
    for size in sizes:
        taken = tuple(_taken(size, left, total, members))
        for name in taken:
            del left[name]
        waves.append(taken)
    return tuple(waves)


def _taken(
    size: WaveSize, left: Mapping[str, None], total: int, members: Mapping[str, Collection[str]]
) -> Iterable[str]:
    if size.groups:
        named = set().union(*(members[group] for group in size.groups))
        return (name for name in left if name in named)
    if size.hundredths is not None:
        return islice(left, share_of(total, size.hundredths))
    return islice(left, size.things) if size.things is not None else left


def _rank(seed: str, name: str) -> bytes:
    return hashlib.blake2b(name.encode(), key=seed.encode()[:64], digest_size=8).digest()


def expected_sizes(sizes: Sequence[WaveSize], things: int) -> tuple[int | None, ...]:
    """The size of each wave, as far as it follows from the number of things alone.

    The size of a wave of groups is unknown (None); later waves are counted as if it took nothing.
    """
    left, found = things, list[int | None]()
    for size in sizes:
        if size.groups:
            found.append(None)
            continue
        wanted = left if size.is_rest else size.things or 0
        if size.hundredths is not None:
            wanted = share_of(things, size.hundredths)
        found.append(min(wanted, left))
        left -= min(wanted, left)
    return tuple(found)


def share_of_those_taken_last(before: int, things: int, total: int, share: float) -> float:
    """The share that a kind has in a wave if all others are taken before it.

    Args:
        before: Things in the earlier waves.
        things: Things in the wave.
        total: Things in all waves.
        share: The share of the kind in all things.
    """
    first_of_kind = total * (1 - share)
    return max(0.0, before + things - max(before, first_of_kind)) / things


def is_recent(state: ThingState, now_ms: int) -> bool | None:
    """Whether a thing is connected, or was within a day (``preferRecent``); None if unknown.

    Such a thing will probably answer.
    """
    if state.is_connected is None:
        return None
    return state.is_connected or now_ms - (state.connection_at_ms or 0) <= RECENT_MS
