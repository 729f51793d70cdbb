"""Reads the arms of a comparison: in bulk where the fleet index can, else thing by thing.

The index narrows, the source decides. A control has no group to be found by, so one query finds
what is not connected of all things whose names begin as those of the arms do; that is far less than
what is connected. Of these the source is asked one by one. The others count as connected: the index
lags behind, for both arms alike.

The index is asked where its pages, 15 a second, take less time than the things, 100 a second. How
often a thing booted is a number of its own, which no query can compare with what it was: where
boots are compared, things are read one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from otactl.deploy.state_reading import common_start, pages_of
from otactl.deploy.thing_states import ThingStates
from otactl.errors import AwsRefused
from otactl.model.fleet_query import CALLS_PER_SECOND, NOT_CONNECTED, PAGE, named_like, query
from otactl.model.thing_state import READS_PER_SECOND, ThingState, VersionSource
from otactl.rules.comparison.arms import draw


class ArmReader:
    """Reads the arms of the waves of one deployment.

    Args:
        states: Shadows, connectivity data and the index.
        source: Where things report their boots; None when boots are not compared.
    """

    def __init__(self, states: ThingStates, source: VersionSource | None) -> None:
        self._states = states
        self._source = source

    def draw(self, *arms: tuple[Sequence[str], int]) -> tuple[tuple[ThingState, ...], ...]:
        """The first things of each arm that are connected.

        Args:
            arms: Of each the candidates in order, and how many are drawn.
        """
        names = list(chain.from_iterable(candidates for candidates, _ in arms))
        away = self._away(names, sum(min(len(candidates), size) for candidates, size in arms))
        return tuple(draw(self._seen(candidates, away), size) for candidates, size in arms)

    def read(self, names: Sequence[str]) -> dict[str, ThingState]:
        """Things as they are now, by name."""
        away = self._away(names, len(names))
        found = {one.thing_name: one for one in self._seen(names, away)}
        if away:
            found |= {one.thing_name: one for one in self._singly(sorted(away))}
        return found

    def _seen(self, names: Sequence[str], away: Collection[str] | None) -> Iterable[ThingState]:
        if away is None:
            return self._singly(names)
        return (ThingState(thing_name=one, is_connected=one not in away) for one in names)

    def _singly(self, names: Sequence[str]) -> Iterable[ThingState]:
        return self._states.read(names, self._source, connectivity=True)

    def _away(self, names: Sequence[str], reads: int) -> set[str] | None:
        """Those that the index does not find connected; None when it is not the quicker way."""
        if self._source is not None or reads <= PAGE:
            return None
        not_connected = query(named_like(common_start(names)), NOT_CONNECTED)
        try:
            if self._states.index_gap(None):
                return None
            pages = pages_of(self._states.count(not_connected))
            if pages / CALLS_PER_SECOND >= reads / READS_PER_SECOND:
                return None
            found = {one.thing_name for one in self._states.search(not_connected, None)}
        except AwsRefused:
            return None
        return found.intersection(names)
