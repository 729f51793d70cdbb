"""Reads what many things report: by the fleet index where that is faster, else one by one.

The number of calls is known in advance: the index says how many things a query finds, a page has
100, and 15 pages a second are the account's quota. Things that the index lacks are read one by one,
up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from otactl.deploy.ports import ThingStates
from otactl.model.fleet_query import CALLS_PER_SECOND, PAGE, in_group, named_like
from otactl.model.thing_state import READS_PER_SECOND, ThingState, VersionSource

#: Things between two notes of progress.
_NOTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The things of one query of the index.

    Attributes:
        query: Finds them, perhaps with others.
        found: How many things it finds; None if they are read one by one.
    """

    names: tuple[str, ...]
    query: str
    found: int | None = None

    @property
    def pages(self) -> int:
        """Calls of SearchIndex."""
        return 0 if self.found is None else pages_of(self.found)

    @property
    def singly(self) -> int:
        """Number of things to read one by one: all, or those the index does not have."""
        return max(0, len(self.names) - (self.found or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How things will be read.

    Attributes:
        source: Where they report; None if only connections are read.
        gap: What the index lacks; empty if nothing.
        lacks_connectivity: Whether that includes connections, which are needed.
        singly: The operations that read one thing.
    """

    source: VersionSource | None
    connectivity: bool
    parts: tuple[Part, ...]
    limit: int
    gap: str = ""
    lacks_connectivity: bool = False
    singly: Sequence[str] = field(default=())

    @property
    def things(self) -> int:
        """How many things are read."""
        return sum(len(part.names) for part in self.parts)

    @property
    def single_things(self) -> int:
        """How many of them one by one."""
        return sum(part.singly for part in self.parts)

    @property
    def calls(self) -> Mapping[str, int]:
        """The calls that the reading takes, by operation, without those of ``plan_reading``."""
        pages = sum(part.pages for part in self.parts)
        found = {"iot:SearchIndex": pages} | dict.fromkeys(self.singly, self.single_things)
        return {name: count for name, count in found.items() if count}

    @property
    def seconds(self) -> float:
        """The shortest time that it takes."""
        pages = sum(part.pages for part in self.parts)
        return pages / CALLS_PER_SECOND + self.single_things / READS_PER_SECOND

    @property
    def words(self) -> str:
        """The calls and the time that it takes, for people."""
        calls = ", ".join(f"{count:,} {name}" for name, count in self.calls.items())
        why = f"; {self.gap}" if self.gap else ""
        things = f"{self.things:,} things"
        what = f"what {things} report" if self.source else f"which of {things} are connected"
        return f"reading {what}: {calls}, at least {self.seconds:,.0f} s{why}"


def plan_reading(
    groups: Mapping[str, Iterable[str]],
    things: Iterable[str],
    source: VersionSource | None,
    states: ThingStates,
    *,
    connectivity: bool,
    limit: int,
) -> Reading:
    """Decide how things are read: three calls, and one more for each group.

    Args:
        groups: The names of the things of each group.
        things: The names of those listed one by one.
        source: Where they report; None to read only connections.
        states: Reads what the index has.
        connectivity: Whether connections are needed.
        limit: The most things that are read one by one.
    """
    seen: set[str] = set()
    parts = []
    for group, members in [*groups.items(), ("", things)]:
        names = tuple(name for name in dict.fromkeys(members) if name not in seen)
        seen.update(names)
        if names:
            query = in_group(group) if group else named_like(common_start(names))
            parts.append(Part(names=names, query=query))
    singly = ["iotdata:GetThingShadow"] if source else []
    singly += ["iot:GetThingConnectivityData"] if connectivity else []
    singly += ["iot:DescribeThing"] if source and source.reads_attribute else []
    gap = states.index_gap(source, connectivity=connectivity)
    lacks = bool(gap) and connectivity and gap != states.index_gap(source, connectivity=False)
    if not gap:
        parts = [_cheaper(part, states) for part in parts]
    return Reading(
        source=source,
        connectivity=connectivity,
        parts=tuple(parts),
        limit=limit,
        gap=gap,
        lacks_connectivity=lacks,
        singly=singly,
    )


def pages_of(found: int) -> int:
    """Calls of SearchIndex for N things; one call even if nothing is found."""
    return max(1, -(-found // PAGE))


def common_start(names: Sequence[str]) -> str:
    """The common prefix of all names: that of the first and the last in order."""
    first, last = min(names), max(names)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in same)


def _cheaper(part: Part, states: ThingStates) -> Part:
    """The part with what the index finds, unless reading each thing takes less time."""
    if len(part.names) <= READS_PER_SECOND // CALLS_PER_SECOND:
        return part
    searched = Part(names=part.names, query=part.query, found=states.count(part.query))
    seconds = searched.pages / CALLS_PER_SECOND + searched.singly / READS_PER_SECOND
    return searched if seconds < len(part.names) / READS_PER_SECOND else part


def read_states(
    reading: Reading, states: ThingStates, notify: Callable[[str], None]
) -> dict[str, ThingState]:
    """What each thing reports, by name.

    Calls ``notify`` with a sentence before it begins, and every 10,000 things.
    """
    if not reading.things:
        return {}
    notify(reading.words)
    found: dict[str, ThingState] = {}
    for state in _states(reading, states, notify):
        found[state.thing_name] = state
        if len(found) % _NOTED == 0 and len(found) < reading.things:
            notify(f"read {len(found):,} of {reading.things:,} things")
    return found


def _states(
    reading: Reading, states: ThingStates, notify: Callable[[str], None]
) -> Iterator[ThingState]:
    """The states as they are read; things without a version in the index are read at the source."""
    lacking = "are not" if reading.source is None else "have no version"
    for part in reading.parts:
        left: dict[str, ThingState | None] = dict.fromkeys(part.names)
        if part.found is not None:
            for state in states.search(part.query, reading.source):
                is_lacking = reading.source is not None and state.version is None
                if state.thing_name in left and is_lacking:
                    left[state.thing_name] = state
                elif state.thing_name in left:
                    del left[state.thing_name]
                    yield state
            if len(left) > reading.limit:
                notify(f"{len(left):,} things {lacking} in the fleet index: too many to read")
                why = "not in the fleet index"
                for name, found in left.items():
                    yield found or ThingState(thing_name=name, unreadable=why)
                continue
            if left:
                notify(f"{len(left):,} things {lacking} in the fleet index: read one by one")
        yield from states.read(list(left), reading.source, connectivity=reading.connectivity)
