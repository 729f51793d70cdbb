"""A list of names that finds one of ten thousand at once, where MiniStack keeps a plain list."""

from __future__ import annotations


class MemberList(list[str]):
    """Names, each once, in the order they came."""

    def __init__(self) -> None:
        super().__init__()
        self._names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def append(self, name: str) -> None:
        """Add a name."""
        self._names.add(name)
        super().append(name)

    def remove(self, name: str) -> None:
        """Remove a name."""
        self._names.discard(name)
        super().remove(name)
