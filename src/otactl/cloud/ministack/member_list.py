"""The things of a group, with fast lookup, and an optional delay until a new one is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator


class MemberList(list[str]):
    """Unique names in the order of their addition; MiniStack has a plain list.

    Args:
        late_ms: The delay until a new name is listed; ``in`` finds it at once.
        now_ms: The cloud's clock; not used without a delay.
    """

    def __init__(self, late_ms: int = 0, now_ms: Callable[[], int] = int) -> None:
        super().__init__()
        self._names: set[str] = set()
        self._late_ms = late_ms
        self._now_ms = now_ms
        #: When each new name becomes listed, in the order of addition.
        self._shows_at: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        now_ms = self._now_ms() if self._shows_at else 0
        while self._shows_at:
            name, at_ms = next(iter(self._shows_at.items()))
            if at_ms > now_ms:
                hidden = self._shows_at
                return (each for each in list(super().__iter__()) if each not in hidden)
            del self._shows_at[name]
        return super().__iter__()

    def append(self, name: str) -> None:
        """Add a name."""
        self._names.add(name)
        if self._late_ms:
            self._shows_at[name] = self._now_ms() + self._late_ms
        super().append(name)

    def remove(self, name: str) -> None:
        """Remove a name."""
        self._names.discard(name)
        self._shows_at.pop(name, None)
        super().remove(name)

    def show_all(self) -> None:
        """List every name from now on, including new ones."""
        self._shows_at.clear()
