"""What a deployment needs of shadows, connectivity data and the fleet index, as a Protocol.

The index narrows, the source decides: what the index says lags behind, so no bad verdict rests on
it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from otactl.model.thing_state import ThingState, VersionSource


class ThingStates(Protocol):
    """Reads what things report."""

    def index_gap(self, source: VersionSource | None, *, connectivity: bool = True) -> str:
        """What the account's fleet index lacks to answer for a source, in words; empty for nothing.

        The account's indexing configuration is never changed.

        Args:
            source: The shadow that must be indexed; None for no shadow.
            connectivity: Whether connections must be as well.
        """
        ...

    def search(self, query: str, source: VersionSource | None) -> Iterator[ThingState]:
        """The things that a fleet-index query finds: one call for each 100, at most 15 a second.

        Without a source nothing of a shadow is taken.

        Raises:
            AwsRefused: The query is none, or the index is off or being built.
        """
        ...

    def count(self, query: str) -> int:
        """How many things a fleet-index query finds: one call."""
        ...

    def read(
        self, names: Sequence[str], source: VersionSource | None, *, connectivity: bool
    ) -> Iterator[ThingState]:
        """Things one by one: a GetThingShadow each, and a GetThingConnectivityData if asked for.

        Without a source no shadow is read.

        A thing without that shadow reports nothing; one that cannot be read says why. Where
        connectivity is not indexed, ``is_connected`` is None.
        """
        ...
