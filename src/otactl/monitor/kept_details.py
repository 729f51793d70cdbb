"""The status details that devices reported, within limits of number and length.

Each is cut to what AWS accepts. At the limit, those of things that succeed are not kept, and others
replace the oldest.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType

#: The most things whose status details are kept, and the most characters in total.
KEPT_DETAILS = 20_000
KEPT_CHARACTERS = 16_000_000
#: At most 10 pairs of 128 and 1024 characters (aws-facts E1).
MAX_DETAIL_PAIRS = 10
MAX_DETAIL_LENGTH = 1024

NO_DETAILS: Mapping[str, str] = MappingProxyType({})


class KeptDetails:
    """The status details of some rows of a table."""

    def __init__(self) -> None:
        self._details: dict[int, Mapping[str, str]] = {}
        self._characters = 0
        #: Whether some were dropped because of the limits.
        self.is_partial = False

    def of(self, row: int) -> Mapping[str, str]:
        """The details of a row; empty if there are none, or they are not kept."""
        return self._details.get(row, NO_DETAILS)

    def keep(self, row: int, details: Mapping[str, str], *, may_push: bool) -> None:
        """Keep the details of a row, in place of its earlier ones.

        Args:
            row: The row.
            details: As a device reported them.
            may_push: Whether to drop the oldest at the limit.
        """
        cut = {
            key[:MAX_DETAIL_LENGTH]: text[:MAX_DETAIL_LENGTH]
            for key, text in islice(details.items(), MAX_DETAIL_PAIRS)
        }
        length = _length(cut)
        self.drop(row)
        while len(self._details) >= KEPT_DETAILS or self._characters + length > KEPT_CHARACTERS:
            if not may_push:
                return
            self.drop(next(iter(self._details)))
            self.is_partial = True
        self._details[row] = cut
        self._characters += length

    def drop(self, row: int) -> None:
        """Drop the details of a row."""
        self._characters -= _length(self._details.pop(row, NO_DETAILS))


def _length(details: Mapping[str, str]) -> int:
    return sum(len(key) + len(text) for key, text in details.items())
