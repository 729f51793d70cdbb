"""Shadows, connections and a fleet index in memory: ``deploy.ports.ThingStates``.

Queries are those of the local cloud's index (``cloud.index_query``), so a query that AWS would
not take is refused here too. Calls are counted as the service counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from otactl.cloud.index_query import InvalidQuery, parse
from otactl.errors import AwsRefused
from otactl.model.fleet_query import PAGE
from otactl.model.thing_state import ThingState, VersionSource


@dataclass
class MemoryThingStates:
    """What things report.

    Attributes:
        states: By thing, as its shadow and its connection are.
        gap: What the fleet index lacks; "" makes it answer.
        lacks_connectivity: Whether it lacks connections.
        indexed: By thing, what the index has instead of the truth: it lags behind.
        groups: The names of a thing's groups.
        calls: By operation.
    """

    states: dict[str, ThingState] = field(default_factory=dict)
    gap: str = "fleet indexing is off (thingIndexingMode)"
    lacks_connectivity: bool = False
    indexed: dict[str, ThingState] = field(default_factory=dict)
    groups: Callable[[str], Iterable[str]] = lambda name: ()
    calls: Counter[str] = field(default_factory=Counter)

    def report(self, *names, **fields) -> None:
        """Things report: ``report("a", version="1.0.0", version_at_ms=5)``."""
        for name in names:
            before = self.states.get(name, ThingState(thing_name=name))
            self.states[name] = replace(before, **fields)

    def index_gap(self, source, *, connectivity=True):
        self.calls["iot:GetIndexingConfiguration"] += 1
        if connectivity and self.lacks_connectivity and not self.gap:
            return "the fleet index lacks connectivity (thingConnectivityIndexingMode STATUS)"
        return self.gap

    def search(self, query, source):
        found = self._matching(query, source)
        self.calls["iot:SearchIndex"] += 1
        for count, state in enumerate(found):
            if count and count % PAGE == 0:
                self.calls["iot:SearchIndex"] += 1
            yield state

    def _matching(self, query, source):
        if self.gap:
            raise AwsRefused("iot:SearchIndex", "IndexNotReadyException", self.gap)
        try:
            terms = parse(query)
        except InvalidQuery as problem:
            raise AwsRefused("iot:SearchIndex", "InvalidQueryException", str(problem)) from problem
        return [
            state
            for state in (self.states | self.indexed).values()
            if all(term.matches(self._document(state, source)) for term in terms)
        ]

    def _document(self, state, source):
        reported: dict = {}
        source = source or VersionSource(version_path=())
        values = ((source.version_path, state.version), (source.boot_count_path, state.boots))
        for path, value in values:
            if path and value is not None:
                below = reported
                for key in path[:-1]:
                    below = below.setdefault(key, {})
                below[path[-1]] = value
        shadow = {"reported": reported}
        return {
            "thingName": state.thing_name,
            "thingGroupNames": list(self.groups(state.thing_name)),
            "shadow": {"name": {source.shadow: shadow}} if source.shadow else shadow,
            "connectivity": {
                "connected": bool(state.is_connected),
                "timestamp": state.connection_at_ms,
            },
        }

    def count(self, query):
        self.calls["iot:GetStatistics"] += 1
        source = VersionSource(version_path=("version",))
        return sum(1 for _ in self._matching(query, source))

    def read(self, names, source, *, connectivity):
        for name in names:
            self.calls["iotdata:GetThingShadow"] += source is not None
            state = self.states.get(name, ThingState(thing_name=name))
            if source and source.reads_attribute:
                self.calls["iot:DescribeThing"] += 1
            if connectivity:
                self.calls["iot:GetThingConnectivityData"] += 1
            else:
                state = replace(state, is_connected=None, connection_at_ms=None)
            yield state
