"""One number of each row of a table, and all of them in ascending order on request.

A request only sorts in what was set since the last one, so a snapshot of a large job does not sort
all numbers again.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter


class MeasuredColumn:
    """A column of numbers; a row may have none."""

    def __init__(self) -> None:
        self._column = array("d")
        self._ascending: list[float] = []
        self._added: list[float] = []
        self._removed: list[float] = []

    def append(self) -> None:
        """Add a row without a number."""
        self._column.append(math.nan)

    def set(self, row: int, number: float | None) -> None:
        """Set the number of a row; None removes it."""
        before = self._column[row]
        had = not math.isnan(before)
        if number is None:
            if had:
                self._removed.append(before)
                self._column[row] = math.nan
            return
        if before == number:
            return
        if had:
            self._removed.append(before)
        self._added.append(number)
        self._column[row] = number

    def get(self, row: int) -> float | None:
        """The number of a row; None if it has none."""
        number = self._column[row]
        return None if math.isnan(number) else number

    def ascending(self) -> list[float]:
        """All numbers, from the smallest to the largest; the caller must not change the list."""
        if self._added:
            # Only the end of the list is not sorted yet: Python sorts such a list fast.
            self._ascending.extend(self._added)
            self._ascending.sort()
            self._added.clear()
        if self._removed:
            removed = Counter(self._removed)
            self._removed.clear()
            self._ascending = [number for number in self._ascending if not _leaves(number, removed)]
        return self._ascending


def _leaves(number: float, removed: Counter[float]) -> bool:
    """Whether to remove a number; each count in ``removed`` is used up once."""
    if not removed.get(number):
        return False
    removed[number] -= 1
    return True
