"""The first of many names in a sentence, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable


def first_names(names: Iterable[str], most: int, *, total: int | None = None) -> str:
    """``a, b and 1,200 more``.

    Args:
        names: In their order.
        most: How many are named.
        total: How many there are, if these are only some of them.
    """
    listed = list(names)
    more = (len(listed) if total is None else total) - min(most, len(listed))
    return ", ".join(listed[:most]) + (f" and {more:,} more" if more > 0 else "")
